//! The commands about accounts: `user`, `token` and `role`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ServerOptions;
use crate::config::redact;

/// Where a server keeps what a command is about.
#[derive(Debug, Args)]
pub struct StoreFlags {
    /// Configuration file [default: ./windvane.toml, else /etc/windvane/windvane.toml]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Directory of the server [default: ./windvane-data]
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<String>,
    /// Database of the server [default: SQLite in the data directory]
    #[arg(long, value_name = "URL", global = true)]
    database: Option<String>,
}

impl StoreFlags {
    /// The same as flags of the server.
    pub fn options(&self) -> ServerOptions {
        let (config, data, database) = (self.config.clone(), self.data.clone(), self.database.clone());
        ServerOptions { config, data, database, ..ServerOptions::default() }
    }

    /// The line for a shell that starts the server on the same place; passwords are left out of it.
    pub fn server_line(&self) -> String {
        let config = self.config.as_ref().map(|path| path.display().to_string());
        let database = self.database.as_deref().map(redact);
        let flags = [("--config", config), ("--data", self.data.clone()), ("--database", database)];
        let words = flags.into_iter().filter_map(|(flag, value)| Some(format!(" {flag} {}", shell_word(&value?))));
        format!("windvane server{}", words.collect::<String>())
    }
}

/// A text as one word of a shell.
fn shell_word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-:@=,+".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `windvane user`
#[derive(Debug, Args)]
pub struct UserOptions {
    /// Where the accounts are.
    #[command(flatten)]
    pub store: StoreFlags,
    /// What to do.
    #[command(subcommand)]
    pub command: UserCommand,
}

/// What `windvane user` does.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account; asks for its password
    Add {
        /// Its name: letters, digits and ._@+-
        name: String,
        /// An administrator of the whole site
        #[arg(long)]
        admin: bool,
        /// An account of a program: it has tokens and no password
        #[arg(long)]
        service: bool,
        /// The name that people see
        #[arg(long, value_name = "TEXT", default_value = "")]
        display_name: String,
        /// The mail address
        #[arg(long, value_name = "ADDRESS", default_value = "")]
        email: String,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordFlags,
    },
    /// List all accounts, groups and classes of callers
    List,
    /// Give an account a new password, and end its sessions
    Password {
        /// Its name
        name: String,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordFlags,
    },
    /// Remove an account or a group with its roles, tokens and sessions; what it logged stays
    Remove {
        /// Its name
        name: String,
    },
}

/// Where a password comes from. It is never an argument: everyone on the node could read it in the list of processes.
#[derive(Debug, Args)]
pub struct PasswordFlags {
    /// Read the password from the first line of standard input
    #[arg(long, conflicts_with_all = ["generate_password", "no_password"])]
    pub password_stdin: bool,
    /// Make a random password and print it
    #[arg(long, conflicts_with = "no_password")]
    pub generate_password: bool,
    /// No password: for who signs in by a proxy, a unix socket or tokens
    #[arg(long)]
    pub no_password: bool,
}

/// `windvane token`
#[derive(Debug, Args)]
pub struct TokenOptions {
    /// Where the accounts are.
    #[command(flatten)]
    pub store: StoreFlags,
    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// What `windvane token` does.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token of an account and print it, once; export it as MLFLOW_TRACKING_TOKEN
    Add {
        /// The account
        user: String,
        /// What you call it
        #[arg(long, value_name = "TEXT", default_value = "")]
        name: String,
        /// What it may be used for: read, write or full
        #[arg(long, default_value = "full")]
        scope: String,
        /// The only namespace that it is for, by name or number
        #[arg(long, value_name = "NAMESPACE")]
        namespace: Option<String>,
        /// Days until it ends [default: it does not end]
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=3660))]
        expires_days: Option<i64>,
        /// A login token for `anemoi-training mlflow login`, in place of one for requests
        #[arg(long, conflicts_with = "expires_days")]
        login: bool,
    },
    /// List the tokens of an account, or all
    List {
        /// The account
        user: Option<String>,
    },
    /// End a token
    Revoke {
        /// Its number
        id: i64,
    },
}

/// `windvane role`
#[derive(Debug, Args)]
pub struct RoleOptions {
    /// Where the accounts are.
    #[command(flatten)]
    pub store: StoreFlags,
    /// What to do.
    #[command(subcommand)]
    pub command: RoleCommand,
}

/// What `windvane role` does.
#[derive(Debug, Subcommand)]
pub enum RoleCommand {
    /// Give a role, in place of the one that is had there
    Give {
        /// An account, `group:NAME` for a group of the system's users, `everyone` who signs in, or `anyone` at all
        who: String,
        /// reader, editor, manager, or everywhere admin
        role: String,
        /// The namespace, by name or number
        #[arg(required_unless_present = "everywhere")]
        namespace: Option<String>,
        /// In all namespaces, those to come too
        #[arg(long, conflicts_with = "namespace")]
        everywhere: bool,
    },
    /// Take a role away
    Take {
        /// Who has it
        who: String,
        /// The namespace, by name or number
        #[arg(required_unless_present = "everywhere")]
        namespace: Option<String>,
        /// The role in all namespaces
        #[arg(long, conflicts_with = "namespace")]
        everywhere: bool,
    },
    /// List who has which role: in one namespace, or everywhere
    List {
        /// The namespace, by name or number
        namespace: Option<String>,
    },
}
