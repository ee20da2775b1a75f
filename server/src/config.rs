//! What can be set, and where it comes from: defaults, then a file, then the environment, then flags.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::Deserialize;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// An origin in a policy: a scheme, a host name, perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ModelHost(pub(crate) String);

impl TryFrom<String> for ModelHost {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for ModelHost {
    type Err = String;

    /// Only what cannot end or widen a directive: `https://` (or `http://` for this machine), then names of letters,
    /// digits and hyphens, the first of them perhaps `*`, then perhaps a port.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no origin such as `https://huggingface.co` or `https://*.example.org`");
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (host, port) = rest.split_once(':').unwrap_or((rest, "0"));
        let labels: Vec<&str> = host.split('.').collect();
        let is_label =
            |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let named = match labels.as_slice() {
            ["*", rest @ ..] => rest.len() >= 2 && rest.iter().all(is_label),
            all => all.iter().all(is_label),
        };
        let is_here = matches!(host, "localhost" | "127.0.0.1");
        let is_safe = scheme == "https" || (scheme == "http" && is_here);
        if is_safe && named && port.parse::<u16>().is_ok() { Ok(Self(text.to_owned())) } else { Err(wrong()) }
    }
}

/// Flags and environment variables; whatever is absent comes from the file or the defaults.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "server", version, about = "Serves a built Alcove: the page, its workers and its models.")]
pub struct Options {
    /// TOML file with the same names as the long flags, with `_` for `-`. Without this flag no file is read.
    #[arg(long, env = "ALCOVE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on. [default: 127.0.0.1:8787]
    #[arg(long, env = "ALCOVE_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Folder that `make build` filled. [default: dist]
    #[arg(long, env = "ALCOVE_DIST", value_name = "FOLDER")]
    pub dist: Option<PathBuf>,
    /// A host name that requests may name beside localhost; may be given several times. A server that listens on
    /// all addresses and has none of these answers to every name.
    #[arg(long = "host", env = "ALCOVE_HOSTS", value_name = "NAME", value_delimiter = ',')]
    pub hosts: Option<Vec<String>>,
    /// An origin that the page may download language models from when a person asks for one, such as
    /// `https://huggingface.co`; `https://*.example.org` names all hosts below. May be given several times. Without
    /// it the page can talk to this server only.
    #[arg(long = "model-host", env = "ALCOVE_MODEL_HOSTS", value_name = "ORIGIN", value_delimiter = ',')]
    pub model_hosts: Option<Vec<ModelHost>>,
    /// Tell browsers to come back only over HTTPS. [default: true unless listening on a loopback address]
    #[arg(long, env = "ALCOVE_HSTS", value_name = "BOOL")]
    pub hsts: Option<bool>,
    /// Milliseconds in which a request's headers must have arrived. [default: 10000]
    #[arg(long, env = "ALCOVE_HEADER_TIMEOUT_MS", value_name = "MS")]
    pub header_timeout_ms: Option<u64>,
    /// Milliseconds that open requests get to finish after a stop signal. [default: 20000]
    #[arg(long, env = "ALCOVE_DRAIN_TIMEOUT_MS", value_name = "MS")]
    pub drain_timeout_ms: Option<u64>,
    /// Connections at a time; more wait in the system's queue. [default: 2048]
    #[arg(long, env = "ALCOVE_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<usize>,
    /// What to log: error, warn, info, debug, or filters such as `server=debug`. [default: info]
    #[arg(long, env = "ALCOVE_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How log lines look. [default: text]
    #[arg(long, env = "ALCOVE_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
}

/// The file's contents: the same names, all optional. An unknown name is an error, because it is a typing mistake.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileOptions {
    listen: Option<SocketAddr>,
    dist: Option<PathBuf>,
    hosts: Option<Vec<String>>,
    model_hosts: Option<Vec<ModelHost>>,
    hsts: Option<bool>,
    header_timeout_ms: Option<u64>,
    drain_timeout_ms: Option<u64>,
    max_connections: Option<usize>,
    log: Option<String>,
    log_format: Option<LogFormat>,
}

/// The merged configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The folder that is served.
    pub dist: PathBuf,
    /// Host names that are answered to beside the loopback ones.
    pub hosts: Vec<String>,
    /// Where the page may download language models from beside this server.
    pub model_hosts: Vec<ModelHost>,
    /// Whether `Strict-Transport-Security` is sent.
    pub hsts: bool,
    /// Longest wait for the headers of a request.
    pub header_timeout: Duration,
    /// Longest wait for open requests at the end.
    pub drain_timeout: Duration,
    /// Connections at a time.
    pub max_connections: usize,
    /// Filter of the logs.
    pub log: String,
    /// Their form.
    pub log_format: LogFormat,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("The configuration file {path} could not be read: {source}. Correct --config or ALCOVE_CONFIG.")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML, or has names or values that are not known.
    #[error("The configuration file {path} is not valid: {source}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A number that cannot work.
    #[error("{name} must be at least 1.")]
    Zero {
        /// The option's name.
        name: &'static str,
    },
}

impl Config {
    /// Merge flags and environment (already joined by clap) over the file over the defaults.
    ///
    /// # Errors
    /// When the file cannot be read or parsed, or a value cannot work.
    pub fn load(options: Options) -> Result<Self, ConfigError> {
        let file = options.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let listen =
            options.listen.or(file.listen).unwrap_or(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 8787));
        let config = Self {
            listen,
            dist: options.dist.or(file.dist).unwrap_or_else(|| "dist".into()),
            hosts: options.hosts.or(file.hosts).unwrap_or_default(),
            model_hosts: options.model_hosts.or(file.model_hosts).unwrap_or_default(),
            hsts: options.hsts.or(file.hsts).unwrap_or(!listen.ip().is_loopback()),
            header_timeout: millis(options.header_timeout_ms, file.header_timeout_ms, 10_000),
            drain_timeout: millis(options.drain_timeout_ms, file.drain_timeout_ms, 20_000),
            max_connections: options.max_connections.or(file.max_connections).unwrap_or(2048),
            log: options.log.or(file.log).unwrap_or_else(|| "info".into()),
            log_format: options.log_format.or(file.log_format).unwrap_or_default(),
        };
        if config.header_timeout.is_zero() {
            return Err(ConfigError::Zero { name: "header_timeout_ms" });
        }
        if config.max_connections == 0 {
            return Err(ConfigError::Zero { name: "max_connections" });
        }
        Ok(config)
    }
}

fn millis(flag: Option<u64>, file: Option<u64>, default: u64) -> Duration {
    Duration::from_millis(flag.or(file).unwrap_or(default))
}

fn read_file(path: &Path) -> Result<FileOptions, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text)
        .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn load(text: &str, flags: &[&str]) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alcove.toml");
        std::fs::write(&path, text).unwrap();
        let mut args = vec!["server", "--config", path.to_str().unwrap()];
        args.extend(flags);
        Config::load(Options::try_parse_from(args).unwrap())
    }

    #[test]
    fn defaults_bind_to_this_machine_only() {
        let config = Config::load(Options::default()).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8787");
        assert!(!config.hsts);
        assert_eq!(config.header_timeout, Duration::from_secs(10));
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let config =
            load("listen = \"0.0.0.0:9000\"\nmax_connections = 7", &["--max-connections", "9"]).unwrap();
        assert_eq!(config.listen.to_string(), "0.0.0.0:9000");
        assert_eq!(config.max_connections, 9);
        assert!(config.hsts, "a public address asks for HTTPS");
    }

    #[test]
    fn a_misspelt_name_is_an_error_that_names_it() {
        let err = load("lissten = \"0.0.0.0:9000\"", &[]).unwrap_err().to_string();
        assert!(err.contains("lissten"), "{err}");
    }

    #[test]
    fn every_flag_is_explained_and_has_an_environment_variable() {
        use clap::CommandFactory as _;
        for arg in Options::command().get_arguments() {
            if !matches!(arg.get_id().as_str(), "help" | "version") {
                assert!(arg.get_help().is_some(), "{} has no help", arg.get_id());
                assert!(arg.get_env().is_some_and(|name| name.to_string_lossy().starts_with("ALCOVE_")));
            }
        }
    }

    #[test]
    fn hosts_of_models_are_origins_and_nothing_more() {
        let good =
            ["https://huggingface.co", "https://*.hf.co", "https://a.example:8443", "http://127.0.0.1:9000"];
        for text in good {
            assert_eq!(text.parse::<ModelHost>().unwrap().0, text);
        }
        for text in [
            "",
            "huggingface.co",
            "http://huggingface.co",
            "https://",
            "https://*",
            "https://*.co",
            "https://a b",
            "https://a; script-src *",
            "https://a/path",
            "https://a,b",
            "'unsafe-inline'",
            "https://a:99999",
            "https://user@host",
        ] {
            assert!(text.parse::<ModelHost>().is_err(), "{text}");
        }
        let config = load("model_hosts = [\"https://a.example\"]", &[]).unwrap();
        assert_eq!(config.model_hosts, ["https://a.example".parse().unwrap()]);
        assert!(load("model_hosts = [\"a; script-src *\"]", &[]).is_err());
    }

    #[test]
    fn zero_is_refused() {
        assert!(load("header_timeout_ms = 0", &[]).is_err());
        assert!(load("max_connections = 0", &[]).is_err());
    }
}
