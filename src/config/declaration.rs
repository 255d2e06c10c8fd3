//! Derives a key's flag, its variable and its lines in the annotated file from its declaration.

use super::ConfigError;
use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use std::ffi::OsString;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::{Table, Value};

/// One key of the configuration.
pub struct Key {
    pub name: &'static str,
    /// The lines of its documentation. The first paragraph is the flag's help.
    pub docs: &'static [&'static str],
    /// TOML. `None` when the key has no default.
    pub default: Option<&'static str>,
    /// TOML, shown commented out for a key without a default.
    pub example: Option<&'static str>,
    /// The allowed values. Empty when every value is allowed.
    pub one_of: &'static [&'static str],
    pub shape: Shape,
}

/// How a value is written on the command line.
#[derive(Clone, Copy)]
pub struct Shape {
    read: fn(&str) -> Result<Value, String>,
    is_switch: bool,
    is_list: bool,
}

/// Keys that belong together.
pub struct Section {
    pub docs: &'static [&'static str],
    pub keys: &'static [Key],
}

/// The type of a key.
pub trait Setting {
    const SHAPE: Shape;
}

const fn one(read: fn(&str) -> Result<Value, String>) -> Shape {
    Shape { read, is_switch: false, is_list: false }
}

fn number(text: &str) -> Result<Value, String> {
    let number: u32 = text.parse().map_err(|error| format!("{error}"))?;
    Ok(Value::Integer(i64::from(number)))
}

fn large_number(text: &str) -> Result<Value, String> {
    let number: u64 = text.parse().map_err(|error| format!("{error}"))?;
    i64::try_from(number).map(Value::Integer).map_err(|_| "number too large".to_owned())
}

fn text(text: &str) -> Result<Value, String> {
    Ok(Value::String(text.to_owned()))
}

fn address(text: &str) -> Result<Value, String> {
    let address: SocketAddr = text.parse().map_err(|error| format!("{error}"))?;
    Ok(Value::String(address.to_string()))
}

fn switch(text: &str) -> Result<Value, String> {
    text.parse().map(Value::Boolean).map_err(|_| "expected true or false".to_owned())
}

impl Setting for String {
    const SHAPE: Shape = one(text);
}
impl Setting for PathBuf {
    const SHAPE: Shape = one(text);
}
impl Setting for SocketAddr {
    const SHAPE: Shape = one(address);
}
impl Setting for u32 {
    const SHAPE: Shape = one(number);
}
impl Setting for u64 {
    const SHAPE: Shape = one(large_number);
}
impl Setting for usize {
    const SHAPE: Shape = one(large_number);
}
impl Setting for bool {
    const SHAPE: Shape = Shape { read: switch, is_switch: true, is_list: false };
}
impl Setting for Vec<String> {
    const SHAPE: Shape = Shape { read: text, is_switch: false, is_list: true };
}
impl<T: Setting> Setting for Option<T> {
    const SHAPE: Shape = T::SHAPE;
}

/// Declares the sections of the configuration: the struct [`Settings`](super::Settings), with a field for each
/// key, and the table from which flags, variables and the annotated file are made.
macro_rules! sections {
    (@maybe) => { None };
    (@maybe $text:literal) => { Some($text) };
    ($(
        $(#[doc = $section:literal])*
        {$(
            $(#[doc = $doc:literal])+
            $key:ident: $Type:ty $(= $default:literal)? $(, example $example:literal)?
                $(, one of [$($word:literal),+])? ;
        )+}
    )+) => {
        /// The settings in force.
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Settings {$($(
            $(#[doc = $doc])+
            pub $key: $Type,
        )+)+}

        pub(super) const SECTIONS: &[$crate::config::declaration::Section] = &[$(
            $crate::config::declaration::Section {
                docs: &[$($section),*],
                keys: &[$($crate::config::declaration::Key {
                    name: stringify!($key),
                    docs: &[$($doc),+],
                    default: $crate::config::declaration::sections!(@maybe $($default)?),
                    example: $crate::config::declaration::sections!(@maybe $($example)?),
                    one_of: &[$($($word),+)?],
                    shape: <$Type as $crate::config::declaration::Setting>::SHAPE,
                }),+],
            }
        ),+];
    };
}
pub(super) use sections;

impl Section {
    /// Appends the section as it stands in the annotated file.
    pub fn write(&self, file: &mut String) {
        file.push('\n');
        comment(self.docs, file);
        for (place, key) in self.keys.iter().enumerate() {
            if place > 0 || !self.docs.is_empty() {
                file.push('\n');
            }
            comment(key.docs, file);
            // Writing to a String cannot fail.
            let _ = match (key.default, key.example) {
                (Some(default), _) => writeln!(file, "{} = {default}", key.name),
                (None, example) => writeln!(file, "# {} = {}", key.name, example.unwrap_or("\"\"")),
            };
        }
    }
}

fn comment(lines: &[&str], file: &mut String) {
    for line in lines {
        file.push('#');
        file.push_str(line.trim_end());
        file.push('\n');
    }
}

impl Key {
    fn arg(&self) -> Arg {
        let read = self.shape.read;
        let parser = match self.one_of {
            [] => ValueParser::new(move |text: &str| read(text)),
            words => PossibleValuesParser::new(words.iter().copied()).map(Value::String).into(),
        };
        let arg = Arg::new(self.name)
            .long(self.name.replace('_', "-"))
            .env(format!("VERBATIM_{}", self.name.to_uppercase()))
            .help(self.help())
            // `--help` is pasted into tickets: an address may have a password.
            .hide_env_values(true)
            .global(true)
            .value_parser(parser);
        match self.shape {
            Shape { is_switch: true, .. } => arg.num_args(0..=1).default_missing_value("true"),
            Shape { is_list: true, .. } => arg.value_delimiter(',').action(ArgAction::Append),
            Shape { .. } => arg,
        }
    }

    fn help(&self) -> String {
        let first = self.docs.iter().map(|line| line.trim()).take_while(|line| !line.is_empty());
        first.collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
    }
}

/// The values that the command line and the environment give.
#[derive(Clone, Debug, Default)]
pub struct Options(Table);

impl Options {
    /// The values, and those of the files that variables such as `VERBATIM_JWT_SECRET_FILE` name.
    pub fn values_with_files(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Table, ConfigError> {
        let mut values = self.0.clone();
        for key in every_key() {
            let own = format!("VERBATIM_{}", key.name.to_uppercase());
            let Some(path) = variable(&format!("{own}_FILE")).map(PathBuf::from) else { continue };
            if values.contains_key(key.name) {
                return Err(ConfigError::Twice { variable: own });
            }
            let variable = format!("{own}_FILE");
            let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::UnreadableValue {
                variable: variable.clone(),
                path,
                source,
            })?;
            let read = |text: &str| (key.shape.read)(text);
            let value = match key.shape.is_list {
                true => {
                    text.split(',').map(|part| read(part.trim())).collect::<Result<_, _>>().map(Value::Array)
                }
                false => read(text.trim_end_matches(['\r', '\n'])),
            };
            let value = value.map_err(|_| ConfigError::BadValue { variable })?;
            values.insert(key.name.to_owned(), value);
        }
        Ok(values)
    }
}

fn every_key() -> impl Iterator<Item = &'static Key> {
    super::keys::SECTIONS.iter().flat_map(|section| section.keys)
}

impl clap::Args for Options {
    fn augment_args(command: Command) -> Command {
        every_key().fold(command, |command, key| command.arg(key.arg()))
    }
    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Options {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut options = Self::default();
        options.update_from_arg_matches(matches)?;
        Ok(options)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for key in every_key() {
            let Some(values) = matches.get_many::<Value>(key.name) else { continue };
            let mut values: Vec<Value> = values.cloned().collect();
            let value = if key.shape.is_list { Some(Value::Array(values)) } else { values.pop() };
            self.0.extend(value.map(|value| (key.name.to_owned(), value)));
        }
        Ok(())
    }
}
