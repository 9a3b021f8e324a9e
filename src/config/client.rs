//! How to reach a tracking server as its client: by the environment variables that MLflow's own clients read.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::{ConfigError, Surroundings};

/// What MLflow's clients wait for an answer at most, in seconds.
const TIMEOUT_S: u64 = 120;
/// How often MLflow's clients try again.
const RETRIES: u32 = 7;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// What the environment says about the server and the way to it.
#[derive(Clone)]
pub struct ClientSettings {
    /// `MLFLOW_TRACKING_URI`.
    pub uri: Option<String>,
    /// What proves who asks.
    pub credential: Option<Credential>,
    /// Whether certificates are not checked (`MLFLOW_TRACKING_INSECURE_TLS`).
    pub insecure_tls: bool,
    /// The authorities that are trusted instead of the system's (`MLFLOW_TRACKING_SERVER_CERT_PATH`), in PEM.
    pub authorities: Option<PathBuf>,
    /// The client's own certificate with its key (`MLFLOW_TRACKING_CLIENT_CERT_PATH`), in PEM.
    pub client_certificate: Option<PathBuf>,
    /// How often a request is tried again (`MLFLOW_HTTP_REQUEST_MAX_RETRIES`).
    pub retries: u32,
    /// The pause before the second retry, which doubles from there (`MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR`).
    pub pause: Duration,
    /// How long an answer may take, and an upload stand still (`MLFLOW_HTTP_REQUEST_TIMEOUT`).
    pub timeout: Duration,
    /// Where a program notes what it knows of earlier times (`XDG_STATE_HOME`, else below `HOME`).
    pub state_home: Option<PathBuf>,
    /// Where temporary files go (`TMPDIR`).
    pub temporary: PathBuf,
}

/// What proves who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`.
    Password {
        /// The name of the account.
        name: String,
        /// Its password.
        password: String,
    },
    /// `MLFLOW_TRACKING_TOKEN`.
    Token(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credential::Password { name, .. } => write!(out, "Password({name:?})"),
            Credential::Token(_) => out.write_str("Token"),
        }
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URI may hold a password.
        out.debug_struct("ClientSettings").field("credential", &self.credential).finish_non_exhaustive()
    }
}

impl ClientSettings {
    /// Reads the environment.
    ///
    /// # Errors
    /// That a variable has a value that does not fit.
    pub fn load(surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let text = |name: &str| surroundings.environment.get(name).filter(|value| !value.is_empty()).cloned();
        let number = |name: &str, default: f64| match text(name) {
            None => Ok(default),
            Some(value) => match value.parse::<f64>() {
                Ok(number) if (0.0..=1e6).contains(&number) => Ok(number),
                _ => Err(ConfigError(format!("{name} is '{value}'; it must be a number from 0 to 1000000"))),
            },
        };
        let flag = |name: &str| match text(name).map(|value| value.to_lowercase()).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(other) => Err(ConfigError(format!("{name} is '{other}'; it must be true or false"))),
        };
        let name_and_password = text("MLFLOW_TRACKING_USERNAME").zip(text("MLFLOW_TRACKING_PASSWORD"));
        let credential = match name_and_password {
            Some((name, password)) => Some(Credential::Password { name, password }),
            None => text("MLFLOW_TRACKING_TOKEN").map(Credential::Token),
        };
        let absolute = |path: String| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
        let state_home = text("XDG_STATE_HOME").and_then(absolute);
        let home = || text("HOME").and_then(absolute).map(|home| home.join(".local/state"));
        Ok(ClientSettings {
            uri: text("MLFLOW_TRACKING_URI"),
            credential,
            insecure_tls: flag("MLFLOW_TRACKING_INSECURE_TLS")?,
            authorities: text("MLFLOW_TRACKING_SERVER_CERT_PATH").map(PathBuf::from),
            client_certificate: text("MLFLOW_TRACKING_CLIENT_CERT_PATH").map(PathBuf::from),
            retries: number("MLFLOW_HTTP_REQUEST_MAX_RETRIES", f64::from(RETRIES))? as u32,
            pause: Duration::from_secs_f64(number("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", 2.0)?).min(LONGEST_PAUSE),
            timeout: Duration::from_secs_f64(number("MLFLOW_HTTP_REQUEST_TIMEOUT", TIMEOUT_S as f64)?.max(1.0)),
            state_home: state_home.or_else(home),
            temporary: text("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
        })
    }

    /// The pause before the retry of this number, the first being 0: none, then `pause`, doubled each time.
    pub fn pause_before(&self, retry: u32) -> Duration {
        match retry.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => self.pause.saturating_mul(1 << doublings.min(16)).min(LONGEST_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<ClientSettings, ConfigError> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ClientSettings::load(&Surroundings { environment, ..Surroundings::default() })
    }

    #[test]
    fn a_name_with_a_password_counts_more_than_a_token_and_neither_is_shown() {
        let token = load(&[("MLFLOW_TRACKING_TOKEN", "geheim"), ("MLFLOW_TRACKING_USERNAME", "ada")]).unwrap();
        let both = load(&[
            ("MLFLOW_TRACKING_TOKEN", "geheim"),
            ("MLFLOW_TRACKING_USERNAME", "ada"),
            ("MLFLOW_TRACKING_PASSWORD", "geheim"),
        ])
        .unwrap();

        assert_eq!(token.credential, Some(Credential::Token("geheim".to_owned())));
        assert!(matches!(&both.credential, Some(Credential::Password { name, .. }) if name == "ada"));
        assert!(!format!("{token:?}{both:?}").contains("geheim"));
    }

    #[test]
    fn a_value_that_does_not_fit_names_its_variable() {
        for (name, value) in [
            ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "many"),
            ("MLFLOW_HTTP_REQUEST_TIMEOUT", "-1"),
            ("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "NaN"),
            ("MLFLOW_TRACKING_INSECURE_TLS", "maybe"),
        ] {
            let error = load(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(&value.to_lowercase()) || error.contains(value), "{error}");
        }
    }

    #[test]
    fn pauses_double_and_have_an_end() {
        let settings = load(&[]).unwrap();

        let pauses = [0, 1, 2, 3, 60].map(|retry| settings.pause_before(retry).as_secs());

        assert_eq!(pauses, [0, 2, 4, 8, 120]);
    }
}
