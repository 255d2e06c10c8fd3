//! Lists the JSON Schemas in `schemas/`, so that the program serves every one of them.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=schemas");
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("schemas");
    let files = fs::read_dir(&folder)?.map(|file| file.map(|file| file.file_name()));
    let mut files = files.collect::<Result<Vec<_>, _>>()?;
    files.sort();
    let mut list = String::from("&[\n");
    for file in files.iter().filter_map(|file| file.to_str()) {
        if let Some(name) = file.strip_suffix(".json") {
            writeln!(list, "    ({name:?}, include_str!({:?})),", folder.join(file))?;
        }
    }
    list.push_str("]\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("schemas.rs"), list)?;
    Ok(())
}
