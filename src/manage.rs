//! What `windvane user`, `token` and `role` do: they change the database of the server themselves, whether it runs or not.
//! A running server sees it within two seconds.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail};

use crate::access::{LOGIN_LIFETIME_MS, check_password, fresh_token, hash_of, hash_password};
use crate::cli::{PasswordFlags, RoleCommand, TokenCommand, UserCommand};
use crate::config::{Config, Database};
use crate::error::Error;
use crate::model::Role;
use crate::state::{Clock, store_options};
use crate::store::{AccountChange, Accounts, Namespace, NewPrincipal, NewToken, Principal, PrincipalKind, TokenKind};
use crate::validate;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A command about accounts.
#[derive(Debug)]
pub enum Command {
    /// `windvane user`
    User(UserCommand),
    /// `windvane token`
    Token(TokenCommand),
    /// `windvane role`
    Role(RoleCommand),
}

impl Command {
    /// Refuses a database that is not there, which would be the wrong directory: only the first account makes a new one.
    ///
    /// # Errors
    /// Says where it looked.
    pub fn must_find(&self, config: &Config) -> anyhow::Result<()> {
        match &config.database {
            Database::Sqlite(path) if !path.exists() && !matches!(self, Command::User(UserCommand::Add { .. })) => {
                bail!("there is no server's database at {}; name its place with --data or --config", path.display())
            }
            _ => Ok(()),
        }
    }
}

/// Runs a command on the database that `config` names, and prints what it did.
///
/// # Errors
/// What keeps it from being done; then nothing was changed.
pub fn run(command: Command, config: &Config, clock: &Clock) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        let accounts = Accounts::open(&store_options(config)).await?;
        let manager = Manager { accounts, now_ms: clock() };
        let done = match command {
            Command::User(command) => manager.user(command).await,
            Command::Token(command) => manager.token(command).await,
            Command::Role(command) => manager.role(command).await,
        };
        manager.accounts.close().await;
        done
    })
}

struct Manager {
    accounts: Accounts,
    now_ms: i64,
}

impl Manager {
    async fn user(&self, command: UserCommand) -> anyhow::Result<()> {
        match command {
            UserCommand::Add { name, admin, service, display_name, email, password } => {
                validate::account_name(&name)?;
                if self.accounts.find_principal(&name).await?.is_some() {
                    bail!("the name '{name}' is taken");
                }
                let password = if service { None } else { password.read(&name)? };
                let kind = if service { PrincipalKind::Service } else { PrincipalKind::Person };
                let password_hash = password.as_deref().map(hash_password).transpose()?;
                let site_role = admin.then_some(Role::Admin);
                let new = NewPrincipal { name: name.clone(), kind, display_name, email, password_hash, site_role };
                let is_first = !self.accounts.exist().await?;
                self.accounts.create_principal(&new, self.now_ms).await?;
                say(format_args!(
                    "made the {} '{name}'{}",
                    kind.as_str(),
                    if admin { ", an administrator" } else { "" }
                ))?;
                if is_first && !admin {
                    say(format_args!(
                        "from now on nobody may do anything without an account, and there is no administrator: \
                         windvane role give {name} admin --everywhere"
                    ))?;
                }
            }
            UserCommand::List => {
                let rows = self.accounts.list_principals().await?.into_iter().map(|principal| {
                    let role = principal.site_role.map_or("-", Role::as_str);
                    let password = if principal.has_password { "password" } else { "-" };
                    let cells = [&principal.name, principal.kind.as_str(), role, password, &principal.display_name];
                    cells.map(str::to_owned)
                });
                table(["NAME", "KIND", "EVERYWHERE", "SIGNS IN BY", "SHOWN AS"], rows)?;
            }
            UserCommand::Password { name, password } => {
                let principal = self.find(&name).await?;
                if principal.kind != PrincipalKind::Person {
                    bail!("'{name}' is a {}, which has no password", principal.kind.as_str());
                }
                let Some(password) = password.read(&name)? else {
                    bail!(
                        "a password cannot be taken away; remove the account, or give it a random one with --generate-password"
                    );
                };
                let change =
                    AccountChange { password_hash: Some(hash_password(&password)?), ..AccountChange::default() };
                self.accounts.change_account(&name, &change).await?;
                say(format_args!("'{name}' has a new password, and is signed out everywhere"))?;
            }
            UserCommand::Remove { name } => {
                self.accounts.delete_principal(&name).await?;
                say(format_args!("removed '{name}'"))?;
            }
        }
        Ok(())
    }

    async fn token(&self, command: TokenCommand) -> anyhow::Result<()> {
        match command {
            TokenCommand::Add { user, name, scope, namespace, expires_days, login } => {
                let principal = self.find(&user).await?;
                if !principal.kind.is_account() {
                    bail!("'{user}' is a {}, which has no tokens", principal.kind.as_str());
                }
                let at_most = Role::from_scope(&scope)
                    .with_context(|| format!("--scope is '{scope}'; it is read, write or full"))?;
                let experiment_id = match namespace {
                    Some(namespace) => Some(self.accounts.find_namespace(&namespace).await?),
                    None => None,
                };
                let kind = if login { TokenKind::Login } else { TokenKind::Api };
                let lifetime_ms = if login { Some(LOGIN_LIFETIME_MS) } else { expires_days.map(|days| days * DAY_MS) };
                let text = fresh_token()?;
                let new = NewToken {
                    principal_id: principal.id,
                    kind,
                    name,
                    hash: hash_of(&text),
                    at_most,
                    experiment_id,
                    expires_ms: lifetime_ms.map(|lifetime_ms| self.now_ms + lifetime_ms),
                };
                let id = self.accounts.create_token(&new, self.now_ms).await?;
                // The token alone on standard output, for scripts.
                say(format_args!("token {id} of '{user}', shown this once:"))?;
                writeln!(io::stdout(), "{text}")?;
            }
            TokenCommand::List { user } => {
                let owner = match user {
                    Some(user) => Some(self.find(&user).await?.id),
                    None => None,
                };
                let rows = self.accounts.list_tokens(owner).await?.into_iter().map(|token| {
                    let ends =
                        token.expires_ms.map_or("never".to_owned(), |end| days(end - self.now_ms, "in", "ended"));
                    let used = token.last_used_ms.map_or("never".to_owned(), |used| days(self.now_ms - used, "", ""));
                    let namespace = token.experiment_id.map_or("all".to_owned(), |id| id.to_string());
                    let scope = token.at_most.as_scope().to_owned();
                    let kind = token.kind.as_str().to_owned();
                    [token.id.to_string(), token.principal, kind, scope, namespace, ends, used, token.name]
                });
                table(["ID", "USER", "KIND", "SCOPE", "NAMESPACE", "ENDS", "USED", "NAME"], rows)?;
            }
            TokenCommand::Revoke { id } => {
                self.accounts.revoke_token(id, None).await?;
                say(format_args!("token {id} is revoked"))?;
            }
        }
        Ok(())
    }

    async fn role(&self, command: RoleCommand) -> anyhow::Result<()> {
        match command {
            RoleCommand::Give { who, role, namespace, everywhere: _ } => {
                let Some(role) = Role::from_name(&role) else {
                    bail!("there is no role '{role}'; give reader, editor, manager or, --everywhere, admin");
                };
                let place = self.place(namespace.as_deref()).await?;
                self.make_group(&who).await?;
                self.accounts.grant(&who, place, role).await?;
                say(format_args!("'{who}' is {role} {}", named(namespace.as_deref())))?;
                if who == "anyone" && place == Namespace::All {
                    say(format_args!("whoever reaches the server may read everything from now on"))?;
                }
            }
            RoleCommand::Take { who, namespace, everywhere: _ } => {
                let place = self.place(namespace.as_deref()).await?;
                self.accounts.revoke(&who, place).await?;
                say(format_args!("'{who}' has no role of its own {}", named(namespace.as_deref())))?;
            }
            RoleCommand::List { namespace } => {
                let one = match self.place(namespace.as_deref()).await? {
                    Namespace::One(id) => Some(id),
                    Namespace::All => None,
                };
                let rows = self.accounts.list_grants(one).await?.into_iter().map(|grant| {
                    let (id, name) = grant
                        .namespace
                        .map_or(("-".to_owned(), "everywhere".to_owned()), |(id, name)| (id.to_string(), name));
                    [grant.principal, grant.role.as_str().to_owned(), id, name]
                });
                table(["WHO", "ROLE", "NAMESPACE", "CALLED"], rows)?;
            }
        }
        Ok(())
    }

    async fn find(&self, name: &str) -> anyhow::Result<Principal> {
        let found = self.accounts.find_principal(name).await?;
        found.with_context(|| format!("there is no account '{name}'; `windvane user list` shows all"))
    }

    async fn place(&self, namespace: Option<&str>) -> anyhow::Result<Namespace> {
        match namespace {
            Some(namespace) => Ok(Namespace::One(self.accounts.find_namespace(namespace).await?)),
            None => Ok(Namespace::All),
        }
    }

    /// A group is made when it is given its first role.
    async fn make_group(&self, who: &str) -> anyhow::Result<()> {
        let Some(group) = who.strip_prefix("group:") else { return Ok(()) };
        validate::account_name(group)?;
        let new = NewPrincipal::named(who, PrincipalKind::Group);
        match self.accounts.create_principal(&new, self.now_ms).await {
            Ok(_) | Err(Error::Exists(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl PasswordFlags {
    /// The password, checked; `None` where there is to be none.
    fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        if self.no_password {
            return Ok(None);
        }
        if self.generate_password {
            let password = fresh_token()?;
            say(format_args!("the password of '{name}', shown this once:"))?;
            writeln!(io::stdout(), "{password}")?;
            return Ok(Some(password));
        }
        let password = if self.password_stdin {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).context("cannot read the password from standard input")?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        } else if io::stdin().is_terminal() {
            let password = rpassword::prompt_password(format!("New password of '{name}': "))?;
            if rpassword::prompt_password("The same again: ")? != password {
                bail!("the two passwords differ; nothing was changed");
            }
            password
        } else {
            bail!(
                "there is no terminal to ask for the password; give --password-stdin, --generate-password or --no-password"
            );
        };
        check_password("the password", name, &password)?;
        Ok(Some(password))
    }
}

fn named(namespace: Option<&str>) -> String {
    namespace.map_or("in all namespaces".to_owned(), |name| format!("in '{name}'"))
}

/// A time in days, hours or minutes.
fn days(ms: i64, before: &str, gone: &str) -> String {
    let text = match ms.unsigned_abs() / 60_000 {
        minutes @ 0..=119 => format!("{minutes} min"),
        minutes @ 120..=2_879 => format!("{} h", (minutes + 30) / 60),
        minutes => format!("{} days", (minutes + 720) / 1_440),
    };
    let word = if ms < 0 { gone } else { before };
    if word.is_empty() { format!("{text} ago") } else { format!("{word} {text}") }
}

/// A sentence for people, beside what scripts read.
fn say(text: std::fmt::Arguments<'_>) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}

/// Rows under their headings, in columns as wide as they need to be.
fn table<const N: usize>(headings: [&str; N], rows: impl Iterator<Item = [String; N]>) -> io::Result<()> {
    let rows: Vec<[String; N]> = std::iter::once(headings.map(str::to_owned)).chain(rows).collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default());
    let mut out = io::stdout().lock();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{:width$}", plain(cell)));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// The text without what would move a terminal's cursor: names of namespaces are anybody's.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
