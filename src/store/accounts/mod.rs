//! Accounts and what they may do: rows that the program's commands change too, whether a server runs or not.

mod roles;
mod sessions;
mod tokens;

pub use roles::{Grant, Namespace};
pub(super) use roles::{authorize, denied, grant_to_creator};
pub use tokens::{NewToken, Token, TokenKind};

use super::db::{Db, Tx, write_tx};
use super::sql::{Dialect, sql};
use super::{Store, StoreOptions, migrate, refuse_foreign_file, refuse_foreign_tables};
use crate::error::{Error, Resource, Result};
use crate::model::Role;

/// Whoever did not sign in, as a principal.
pub const ANYONE: i64 = 1;
/// Whoever signed in, as a principal.
pub const EVERYONE: i64 = 2;

/// Accounts, tokens and roles. Cloning it is cheap and shares the connections.
#[derive(Debug, Clone)]
pub struct Accounts {
    db: Db,
}

/// What has roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A class of callers: [`ANYONE`] or [`EVERYONE`].
    Class = 0,
    /// A person's account.
    Person = 1,
    /// An account of a program.
    Service = 2,
    /// A group of the system's users.
    Group = 3,
}

impl PrincipalKind {
    /// All kinds.
    pub const ALL: [PrincipalKind; 4] =
        [PrincipalKind::Class, PrincipalKind::Person, PrincipalKind::Service, PrincipalKind::Group];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            PrincipalKind::Class => "class",
            PrincipalKind::Person => "person",
            PrincipalKind::Service => "service",
            PrincipalKind::Group => "group",
        }
    }

    /// Whether it can sign in.
    pub fn is_account(self) -> bool {
        matches!(self, PrincipalKind::Person | PrincipalKind::Service)
    }

    fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i64 == number)
    }
}

/// A principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The number, which no other will ever have.
    pub id: i64,
    /// The name; of a group with `group:` before it.
    pub name: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// The name that people see.
    pub display_name: String,
    /// The mail address; may be empty.
    pub email: String,
    /// The role in all namespaces.
    pub site_role: Option<Role>,
    /// Whether it can sign in with a password.
    pub has_password: bool,
    /// When it was made, in milliseconds since the epoch.
    pub created_ms: i64,
}

/// A principal that does not exist yet.
#[derive(Debug, Clone)]
pub struct NewPrincipal {
    /// The name; of a group with `group:` before it.
    pub name: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// The name that people see.
    pub display_name: String,
    /// The mail address; may be empty.
    pub email: String,
    /// A hash in PHC form.
    pub password_hash: Option<String>,
    /// The role in all namespaces.
    pub site_role: Option<Role>,
}

impl NewPrincipal {
    /// One with a name and nothing else.
    pub fn named(name: &str, kind: PrincipalKind) -> Self {
        let (display_name, email) = Default::default();
        NewPrincipal { name: name.to_owned(), kind, display_name, email, password_hash: None, site_role: None }
    }
}

/// What of an account is to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// The name that people see.
    pub display_name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// A hash in PHC form.
    pub password_hash: Option<String>,
}

#[derive(sqlx::FromRow)]
struct PrincipalRow {
    id: i64,
    name: String,
    kind: i64,
    display_name: String,
    email: String,
    site_role: Option<i64>,
    password_hash: Option<String>,
    created_ms: i64,
}

const PRINCIPAL: &str =
    "SELECT id, name, kind, display_name, email, site_role, password_hash, created_ms FROM principal";

impl PrincipalRow {
    fn principal(self) -> Result<Principal> {
        let PrincipalRow { id, name, kind, display_name, email, site_role, password_hash, created_ms } = self;
        let kind = PrincipalKind::from_number(kind).ok_or_else(|| unknown("kind", kind))?;
        let site_role = site_role.map(role).transpose()?;
        let has_password = password_hash.is_some();
        Ok(Principal { id, name, kind, display_name, email, site_role, has_password, created_ms })
    }
}

fn role(number: i64) -> Result<Role> {
    Role::from_number(number).ok_or_else(|| unknown("role", number))
}

fn unknown(what: &str, number: i64) -> Error {
    Error::internal(anyhow::anyhow!("the database holds the unknown {what} {number}"))
}

fn no_principal(name: &str) -> Error {
    Error::NotFound(Resource::Principal(name.to_owned()))
}

impl Store {
    /// The accounts of this database.
    pub fn accounts(&self) -> Accounts {
        Accounts { db: self.db().clone() }
    }
}

impl Accounts {
    /// Opens the accounts of a database, beside a server that may be running on it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open(options: &StoreOptions) -> Result<Self> {
        refuse_foreign_file(&options.url).await?;
        let db = Db::connect(options).await?;
        refuse_foreign_tables(&db, &options.url).await?;
        migrate(&db).await?;
        Ok(Accounts { db })
    }

    /// Closes the database, where [`open`](Self::open) opened it.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Whether there is an account, so that nobody may do anything without one.
    ///
    /// # Errors
    /// What the database said.
    pub async fn exist(&self) -> Result<bool> {
        let found: Option<(i64,)> =
            self.db.optional(sql("SELECT id FROM principal WHERE kind IN (1, 2) LIMIT 1")).await?;
        Ok(found.is_some())
    }

    /// Makes a principal and answers its number.
    ///
    /// # Errors
    /// [`Error::Exists`] where the name is taken.
    pub async fn create_principal(&self, new: &NewPrincipal, now_ms: i64) -> Result<i64> {
        if new.password_hash.is_some() {
            may_have_password(&new.name, new.kind)?;
        }
        write_tx!(self.db, tx => {
            let insert = sql("INSERT INTO principal (name, kind, display_name, email, password_hash, site_role, created_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING RETURNING id");
            let insert = insert.arg(new.name.as_str()).arg(new.kind as i64).arg(new.display_name.as_str());
            let insert = insert.arg(new.email.as_str()).arg(new.password_hash.clone());
            let insert = insert.arg(new.site_role.map(|role| role as i64)).arg(now_ms);
            let Some((id,)) = tx.optional::<(i64,)>(insert).await? else {
                return Err(Error::Exists(Resource::PrincipalName(new.name.clone())));
            };
            id
        })
    }

    /// All principals, by name.
    ///
    /// # Errors
    /// What the database said.
    pub async fn list_principals(&self) -> Result<Vec<Principal>> {
        let mut statement = sql(PRINCIPAL);
        statement.push(" ORDER BY name");
        self.db.all::<PrincipalRow>(statement).await?.into_iter().map(PrincipalRow::principal).collect()
    }

    /// The principal of this name.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_principal(&self, name: &str) -> Result<Option<Principal>> {
        Ok(self.find_with_password(name).await?.map(|(principal, _)| principal))
    }

    /// The principal of this name, with the hash of its password.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_with_password(&self, name: &str) -> Result<Option<(Principal, Option<String>)>> {
        let mut statement = sql(PRINCIPAL);
        statement.push(" WHERE name = ").bind(name);
        let row: Option<PrincipalRow> = self.db.optional(statement).await?;
        row.map(|row| {
            let password_hash = row.password_hash.clone();
            Ok((row.principal()?, password_hash))
        })
        .transpose()
    }

    /// The principal of this number.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_principal_by_id(&self, id: i64) -> Result<Option<Principal>> {
        let mut statement = sql(PRINCIPAL);
        statement.push(" WHERE id = ").bind(id);
        self.db.optional::<PrincipalRow>(statement).await?.map(PrincipalRow::principal).transpose()
    }

    /// The numbers of the groups of these names, and the greatest role that any of `principals` and these has in all
    /// namespaces.
    ///
    /// # Errors
    /// What the database said.
    pub async fn belonging(&self, principals: &[i64], groups: &[String]) -> Result<(Vec<i64>, Option<Role>)> {
        let dialect = self.db.dialect();
        let names: Vec<String> = groups.iter().map(|group| format!("group:{group}")).collect();
        let mut statement = sql("SELECT id, site_role FROM principal WHERE id");
        statement.bind_ints(dialect, principals);
        if !names.is_empty() {
            statement.push(" OR name").bind_texts(dialect, &Vec::from_iter(names.iter().map(String::as_str)));
        }
        let found: Vec<(i64, Option<i64>)> = self.db.all(statement).await?;
        let site_role = found.iter().filter_map(|(_, role)| *role).max().map(role).transpose()?;
        let mut ids: Vec<i64> = found.into_iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        Ok((ids, site_role))
    }

    /// Changes an account. A new password ends all its sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an account.
    pub async fn change_account(&self, name: &str, change: &AccountChange) -> Result<()> {
        write_tx!(self.db, tx => {
            let (id, kind) = lock(&mut tx, name).await?;
            if !kind.is_account() {
                return Err(no_principal(name));
            }
            if change.password_hash.is_some() {
                may_have_password(name, kind)?;
            }
            let update = sql("UPDATE principal SET display_name = coalesce($1, display_name),
                 email = coalesce($2, email), password_hash = coalesce($3, password_hash) WHERE id = $4");
            let update = update.arg(change.display_name.clone()).arg(change.email.clone());
            tx.run(update.arg(change.password_hash.clone()).arg(id)).await?;
            if change.password_hash.is_some() {
                tx.run(sql("DELETE FROM session WHERE principal_id = $1").arg(id)).await?;
            }
        })
    }

    /// Removes an account or a group with its roles, tokens and sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a principal, [`Error::Invalid`] for a class and for the last administrator.
    pub async fn delete_principal(&self, name: &str) -> Result<()> {
        write_tx!(self.db, tx => {
            let (id, kind) = lock(&mut tx, name).await?;
            if kind == PrincipalKind::Class {
                return Err(Error::Invalid(format!("'{name}' is a class of callers and cannot be removed")));
            }
            keep_an_admin(&mut tx, id).await?;
            tx.run(sql("DELETE FROM principal WHERE id = $1").arg(id)).await?;
        })
    }

    /// The key of this name, which all servers of the database share; `fresh` becomes it where there is none.
    ///
    /// # Errors
    /// What the database said.
    pub async fn secret(&self, name: &str, fresh: [u8; 32]) -> Result<Vec<u8>> {
        write_tx!(self.db, tx => {
            let insert = sql("INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");
            tx.run(insert.arg(name).arg(fresh.to_vec())).await?;
            let found: Option<(Vec<u8>,)> = tx.optional(sql("SELECT value FROM secret WHERE name = $1").arg(name)).await?;
            let (value,) = found.ok_or_else(|| Error::internal(anyhow::anyhow!("the secret '{name}' vanished")))?;
            value
        })
    }
}

/// The number and kind of a principal that is about to be changed.
async fn lock(tx: &mut Tx, name: &str) -> Result<(i64, PrincipalKind)> {
    let mut statement = sql("SELECT id, kind FROM principal WHERE name = ");
    statement.bind(name);
    if tx.dialect() == Dialect::Postgres {
        statement.push(" FOR UPDATE");
    }
    let found: Option<(i64, i64)> = tx.optional(statement).await?;
    let (id, kind) = found.ok_or_else(|| no_principal(name))?;
    Ok((id, PrincipalKind::from_number(kind).ok_or_else(|| unknown("kind", kind))?))
}

/// Refuses to take the last administrator away while others have accounts: nobody could make one again.
async fn keep_an_admin(tx: &mut Tx, id: i64) -> Result<()> {
    let others = sql("SELECT (SELECT count(*) FROM principal WHERE site_role = 4 AND kind = 1 AND id <> $1),
         (SELECT count(*) FROM principal WHERE kind IN (1, 2) AND id <> $1),
         (SELECT count(*) FROM principal WHERE site_role = 4 AND id = $1)");
    let (admins, accounts, is_admin): (i64, i64, i64) = tx.optional(others.arg(id)).await?.unwrap_or_default();
    if is_admin > 0 && admins == 0 && accounts > 0 {
        return Err(Error::Invalid("this is the last administrator; make another one before".to_owned()));
    }
    Ok(())
}

fn may_have_password(name: &str, kind: PrincipalKind) -> Result<()> {
    match kind {
        PrincipalKind::Person => Ok(()),
        kind => {
            Err(Error::Invalid(format!("'{name}' is a {} and has no password; make a token for it", kind.as_str())))
        }
    }
}
