//! The agents' inbox in Chromium against the real program, and the files that it is built of.

use crate::browser::{Browser, FOLDER, has_browser, has_packages};
use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::Program;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_work_in_the_inbox_while_the_server_restarts() {
    if !has_browser("the inbox in a browser") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let provider = FakeWhatsApp::start().await;
    let mut program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let hello = json!({ "short_code": "/hi", "title": "Hello", "content": "Hello!" });
    account.admin.post("/v1/canned-responses", hello).await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));

    let mut browser = Browser::start("inbox.js", &[&program.base, &ana.token, &ben.token]);
    while let Some(wish) = browser.wish().await {
        match wish.as_str() {
            "first message" => whatsapp.customer_writes("4915", "wamid.1", "Where is my parcel?").await,
            "markup" => whatsapp.customer_writes("4915", "wamid.2", "<img src=x onerror=alert(1)>").await,
            "restart" => {
                program.kill().await;
                program.restart().await;
                whatsapp.at(&program).customer_writes("4915", "wamid.3", "I am still here.").await;
            }
            "after the restart" => whatsapp.at(&program).customer_writes("4915", "wamid.4", "Are you?").await,
            "thirty customers" => {
                let whatsapp = whatsapp.at(&program);
                for number in 0..30 {
                    let (customer, id) = (format!("251{number}"), format!("wamid.many.{number}"));
                    whatsapp.customer_writes(&customer, &id, "Hello").await;
                }
            }
            "one more customer" => {
                whatsapp.at(&program).customer_writes("252", "wamid.newest", "I am the newest.").await;
            }
            "done" => {}
            other => panic!("the pages' test wants {other}"),
        }
        browser.granted().await;
    }
    browser.assert_done().await;
    assert!(provider.taken().iter().any(|taken| taken.text() == "Hello! It left yesterday."));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_types_of_the_api_are_those_that_the_server_answers() {
    if !has_packages("the types of the API in the pages") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let check = Command::new("node")
        .args(["build/api.js", &program.base, "--check"])
        .current_dir(FOLDER)
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

/// The bytes of the files in a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn the_built_pages_are_those_of_the_sources() {
    if !has_packages("the build of the pages") {
        return;
    }
    let npm = |script: &str| {
        let mut command = Command::new("npm");
        let output =
            command.args(["run", script]).env("DIST", "dist-again").current_dir(FOLDER).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "npm run {script}: {}", String::from_utf8_lossy(&text));
    };
    npm("check");
    npm("build");
    let again = Path::new(FOLDER).join("dist-again");
    let (committed, rebuilt) = (files(&Path::new(FOLDER).join("dist")), files(&again));
    std::fs::remove_dir_all(again).unwrap();
    let differing: Vec<&String> = committed
        .keys()
        .chain(rebuilt.keys())
        .filter(|name| committed.get(*name) != rebuilt.get(*name))
        .collect();
    assert!(differing.is_empty(), "{differing:?}: run `npm run build` in ui/ and commit ui/dist");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_part_of_the_program_serves_no_pages() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Program::serve(&folder.path().join("data")).await;
    let page = whole.get("/").send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    let (_, rest) = page.split_once("src=\"").unwrap();
    let (script, _) = rest.split_once('"').unwrap();
    assert_eq!(whole.get(script).send().await.unwrap().status(), 200);
    for unknown in ["/ui", "/ui/", "/ui/app.js", "/index.html"] {
        assert_eq!(whole.get(unknown).send().await.unwrap().status(), 404, "{unknown}");
    }
    let part = Program::spawn("command-api", &folder.path().join("data"), &[]).await;
    part.until_ready().await;
    for path in ["/", script] {
        assert_eq!(part.get(path).send().await.unwrap().status(), 404, "{path}");
    }
}
