import { mount } from "svelte";
import App from "./agent/App.svelte";
import "./app.css";
import { restoreTheme } from "./kit/theme";

restoreTheme();
mount(App, { target: document.body });
