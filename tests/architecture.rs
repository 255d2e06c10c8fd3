//! The dependency rules between the crates, as ARCHITECTURE.md's table has them: a dependency that is not in the
//! table fails this test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// For each crate: the workspace's crates and the libraries that it may use. Of libraries only those are listed
/// that a rule is about: databases, HTTP, runtimes, calendars.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    ("event-schemas", &[], &["jiff", "schemars"]),
    ("domain", &["event-schemas"], &["jiff"]),
    ("event-store", &["event-schemas"], &["sqlx", "tokio", "kurrentdb"]),
    ("providers", &["event-schemas"], &["reqwest", "rustls", "tokio", "jiff"]),
    ("follower", &["event-schemas", "event-store"], &["sqlx", "tokio", "schemars"]),
    ("gate", &["event-schemas"], &["axum", "aide", "schemars", "jsonwebtoken", "reqwest", "rustls", "tokio"]),
    ("commands", &["event-schemas", "domain", "event-store", "providers"], &["schemars", "tokio"]),
    (
        "command-api",
        &["event-schemas", "domain", "event-store", "providers", "commands", "gate"],
        &["axum", "aide", "schemars", "tokio"],
    ),
    (
        "process-managers",
        &["event-schemas", "domain", "event-store", "follower", "commands", "providers"],
        &["tokio"],
    ),
    ("projections", &["event-schemas", "event-store", "follower", "domain"], &["sqlx", "tokio", "schemars"]),
    (
        "query-api",
        &["event-schemas", "domain", "event-store", "follower", "projections", "gate"],
        &["axum", "aide", "schemars", "tokio"],
    ),
    ("drafts", &["event-schemas", "follower", "gate"], &["axum", "aide", "schemars", "tokio"]),
    (
        "contracts",
        &[
            "event-schemas",
            "domain",
            "event-store",
            "follower",
            "providers",
            "commands",
            "projections",
            "command-api",
            "realtime",
            "gate",
        ],
        &["axum", "aide", "schemars"],
    ),
    ("publication", &["event-schemas", "event-store"], &["async-nats", "tokio"]),
    (
        "realtime",
        &["event-schemas", "event-store", "follower", "projections", "gate"],
        &["async-nats", "axum", "schemars", "tokio"],
    ),
    ("ui-server", &[], &["axum"]),
    // Only ever a development dependency.
    ("test-engines", &[], &["sqlx", "tokio"]),
    ("test-kurrentdb", &[], &["tokio"]),
];

/// The libraries that the rules are about.
const GUARDED: &[&str] = &[
    "aide",
    "axum",
    "jiff",
    "jsonwebtoken",
    "reqwest",
    "rustls",
    "schemars",
    "sqlx",
    "tokio",
    "async-nats",
    "kurrentdb",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn normal_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
                .collect();
            (package["name"].as_str().expect("a name").to_owned(), dependencies)
        })
        .collect()
}

#[test]
fn every_crate_uses_only_what_the_table_allows() {
    let dependencies = normal_dependencies();
    let crates: BTreeSet<&str> = ALLOWED.iter().map(|(name, _, _)| *name).collect();
    let found: BTreeSet<&str> =
        dependencies.keys().map(String::as_str).filter(|name| *name != "verbatim").collect();
    assert_eq!(found, crates, "a crate was added or removed: name it in ARCHITECTURE.md and here");
    let mut broken = Vec::new();
    for (name, inside, outside) in ALLOWED {
        for used in &dependencies[*name] {
            let guarded = crates.contains(used.as_str()) || GUARDED.contains(&used.as_str());
            if guarded && !inside.contains(&used.as_str()) && !outside.contains(&used.as_str()) {
                broken.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for engine in ["test-engines", "test-kurrentdb"] {
        assert!(!dependencies["verbatim"].contains(engine), "the program is built without its tests");
    }
}

fn rust_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    files_of("rs", folder, files);
}

/// The files below a folder whose names end in `.` and this.
fn files_of(extension: &str, folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            files_of(extension, &entry, files);
        } else if entry.extension().is_some_and(|kind| kind == extension) {
            files.push(entry);
        }
    }
}

#[test]
fn read_models_use_the_rules_of_time_and_lifecycle_but_no_aggregate() {
    let mut files = Vec::new();
    rust_files(&root().join("projections/src"), &mut files);
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file");
        for (number, line) in text.lines().enumerate() {
            for used in line.match_indices("domain::").map(|(at, _)| &line[at + "domain::".len()..]) {
                let rules = ["sla", "lifecycle", "calendar", "pace", "bot::NormalizedText"];
                let allowed = rules.iter().any(|rule| used.starts_with(rule));
                assert!(allowed, "{}:{}: {line}", file.display(), number + 1);
            }
        }
    }
}

/// `event_store::advisory_locks` has the numbers; the log's migrations never change, and a test of the event store
/// compares them.
#[test]
fn the_number_of_an_advisory_lock_is_written_nowhere_but_in_the_list() {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root()).expect("the workspace") {
        let source = entry.expect("an entry").path().join("src");
        if source.is_dir() {
            files_of("rs", &source, &mut files);
        }
    }
    files_of("rs", &root().join("src"), &mut files);
    files_of("sql", &root().join("migrations"), &mut files);
    let event_log = root().join("migrations/event-log");
    assert!(files.iter().any(|file| file.starts_with(&event_log)));
    for file in files.iter().filter(|file| !file.starts_with(&event_log)) {
        let text = std::fs::read_to_string(file).expect("a source file");
        for (at, _) in text.match_indices("pg_advisory").chain(text.match_indices("pg_try_advisory")) {
            let argument = text[at..].split_once('(').map_or("", |(_, argument)| argument).trim_start();
            let is_number = argument.starts_with(|first: char| first.is_ascii_digit() || first == '-');
            assert!(!is_number, "{}: {}", file.display(), &text[at..].lines().next().unwrap_or_default());
        }
    }
}

/// The words in backticks after `intro` on the line that has it.
fn listed(page: &str, intro: &str) -> Vec<String> {
    let line = page.lines().find_map(|line| line.split_once(intro)).unwrap_or_else(|| panic!("{intro}")).1;
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_page_on_extending_names_what_is_registered_and_files_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/extending.md")).expect("the page");
    let served: Vec<&str> = {
        let providers =
            providers::Providers::new([], providers::Timeouts::default(), event_schemas::Clock::System);
        let providers = providers.expect("an HTTP client");
        let kinds = event_schemas::message::ChannelType::ALL.iter();
        kinds.filter(|kind| providers.of(**kind).is_some()).map(|kind| kind.as_str()).collect()
    };
    assert_eq!(listed(&page, "Channels with a provider: "), served);
    let kinds: Vec<&str> =
        event_schemas::catalogue::CatalogueKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(listed(&page, "Kinds: "), kinds);
    let managers: Vec<&str> = process_managers::names().collect();
    assert_eq!(listed(&page, "Process managers: "), managers);
    let mut families = Vec::new();
    rust_files(&root().join("event-schemas/src/families"), &mut families);
    let named: BTreeSet<String> = listed(&page, "Families: ").into_iter().collect();
    let found = families.iter().filter_map(|file| file.file_stem()?.to_str());
    assert_eq!(named, found.map(str::to_owned).collect());
    let tables: Vec<&str> = projections::read_models::shapes().iter().map(|shape| shape.table).collect();
    assert_eq!(listed(&page, "Tables: "), tables);
    for code in page.split('`').skip(1).step_by(2).filter(|code| !code.contains(['<', ' '])) {
        let is_path = code.contains('/') || [".rs", ".sql", ".toml"].iter().any(|end| code.ends_with(end));
        assert!(!is_path || root().join(code).exists(), "{code} does not exist");
    }
}

/// Every name in the tables of events of the page on pushes, and every name that is described.
#[test]
fn the_page_on_pushes_has_the_events_that_are_described() {
    use realtime::events::{AGENTS_EVENTS, AGENTS_REQUESTS, CONNECTION_EVENTS};
    let page = std::fs::read_to_string(root().join("docs/realtime.md")).expect("the page");
    let of_section = |title: &str| -> BTreeSet<String> {
        let (_, section) = page.split_once(&format!("\n## {title}\n")).expect("the section");
        let (section, _) = section.split_once("\n## ").expect("the next section");
        let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
        cells.flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let described = AGENTS_EVENTS.iter().chain(CONNECTION_EVENTS).map(|event| event.name.to_owned());
    assert_eq!(of_section("Events from the server"), described.collect());
    let described = AGENTS_REQUESTS.iter().map(|request| request.name.to_owned());
    assert_eq!(of_section("Events from the client"), described.collect());
}

/// The variables that make tests write files.
#[test]
fn the_page_on_extending_names_variables_that_tests_read() {
    let page = std::fs::read_to_string(root().join("docs/extending.md")).expect("the page");
    let mut files = Vec::new();
    for test in ["src/config.rs", "event-schemas/tests/golden.rs", "projections/tests/projections/golden.rs"]
    {
        files.push(std::fs::read_to_string(root().join(test)).expect("a test"));
    }
    let commands = page.split('`').filter_map(|code| code.split_once("=1 cargo test "));
    let named: BTreeSet<&str> = commands.map(|(variable, _)| variable).collect();
    assert_eq!(named.len(), files.len(), "{named:?}");
    for variable in named {
        let read = format!("\"{variable}\"");
        assert!(files.iter().any(|file| file.contains(&read)), "no test reads {variable}");
    }
}

/// The modules of `domain`, each of which may use those before it.
const DOMAIN_ORDER: &[&str] = &[
    "aggregate",
    "calendar",
    "lifecycle",
    "history",
    "undo",
    "sla",
    "pace",
    "past",
    "account",
    "person",
    "agent",
    "contact",
    "bot",
    "automation",
    "conversation",
    "catalogue",
    "bulk",
    "routing",
];

#[test]
fn the_modules_of_the_domain_use_only_those_before_them() {
    let rank = |module: &str| DOMAIN_ORDER.iter().position(|known| *known == module);
    let mut files = Vec::new();
    let source = root().join("domain/src");
    rust_files(&source, &mut files);
    let mut broken = BTreeSet::new();
    for file in files {
        let path = file.strip_prefix(&source).expect("within the crate").with_extension("");
        let module = path.iter().next().and_then(|part| part.to_str()).unwrap_or_default().to_owned();
        if module == "lib" || path.ends_with("tests") {
            continue;
        }
        let own = rank(&module).unwrap_or_else(|| panic!("{module} has no place in the order"));
        let text = std::fs::read_to_string(&file).expect("a source file");
        for (at, _) in text.match_indices("crate::") {
            let used: String = text[at + "crate::".len()..]
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            if rank(&used).is_some_and(|used| used > own) {
                broken.insert(format!("{module} uses {used} ({})", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.into_iter().collect::<Vec<_>>().join("\n"));
}
