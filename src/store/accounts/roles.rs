//! Who has which role where.

use super::{ANYONE, Accounts, keep_an_admin, lock, role};
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, Reach, Role};
use crate::store::Store;
use crate::store::db::{Tx, write_tx};
use crate::store::sql::sql;

/// Where a role is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    /// In all namespaces, those to come too.
    All,
    /// In the namespace of this number.
    One(i64),
}

/// A role that someone has somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The principal's name.
    pub principal: String,
    /// The namespace's number and name; `None` for all.
    pub namespace: Option<(i64, String)>,
    /// The role.
    pub role: Role,
}

impl Accounts {
    /// Gives a principal a role, in place of the one that it has there.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a principal or namespace; [`Error::Invalid`] for an administrator of one
    /// namespace, for a class as administrator, and where it would take the last administrator away.
    pub async fn grant(&self, principal: &str, namespace: Namespace, role: Role) -> Result<()> {
        write_tx!(self.db, tx => {
            let (id, kind) = lock(&mut tx, principal).await?;
            match namespace {
                Namespace::One(_) if role == Role::Admin => {
                    return Err(Error::Invalid("an admin is one of the whole site; in a namespace give 'manager'".to_owned()));
                }
                _ if id == ANYONE && role > Role::Reader => {
                    return Err(Error::Invalid(format!(
                        "'{principal}' has not signed in, so it can be 'reader' and not '{role}'"
                    )));
                }
                Namespace::One(experiment_id) => {
                    must_exist(&mut tx, experiment_id).await?;
                    let upsert = sql("INSERT INTO namespace_role (namespace_id, principal_id, role) VALUES ($1, $2, $3)
                         ON CONFLICT (namespace_id, principal_id) DO UPDATE SET role = excluded.role");
                    tx.run(upsert.arg(experiment_id).arg(id).arg(role as i64)).await?;
                }
                Namespace::All => {
                    if role == Role::Admin && kind == super::PrincipalKind::Class {
                        return Err(Error::Invalid(format!("'{principal}' is a class of callers and cannot be admin")));
                    }
                    if role < Role::Admin {
                        keep_an_admin(&mut tx, id).await?;
                    }
                    tx.run(sql("UPDATE principal SET site_role = $1 WHERE id = $2").arg(role as i64).arg(id)).await?;
                }
            }
        })
    }

    /// Takes a principal's role away.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a principal, or where it has no role there; [`Error::Invalid`] for the last
    /// administrator.
    pub async fn revoke(&self, principal: &str, namespace: Namespace) -> Result<()> {
        write_tx!(self.db, tx => {
            let (id, _) = lock(&mut tx, principal).await?;
            let taken = match namespace {
                Namespace::One(experiment_id) => {
                    let delete = sql("DELETE FROM namespace_role WHERE namespace_id = $1 AND principal_id = $2");
                    tx.run(delete.arg(experiment_id).arg(id)).await?
                }
                Namespace::All => {
                    keep_an_admin(&mut tx, id).await?;
                    let update = sql("UPDATE principal SET site_role = NULL WHERE id = $1 AND site_role IS NOT NULL");
                    tx.run(update.arg(id)).await?
                }
            };
            if taken == 0 {
                return Err(Error::NotFound(Resource::Grant(principal.to_owned())));
            }
        })
    }

    /// Who has a role: in one namespace, those of the whole site apart; or all grants there are. By namespace and name.
    ///
    /// # Errors
    /// What the database said.
    pub async fn list_grants(&self, namespace: Option<i64>) -> Result<Vec<Grant>> {
        let mut grants = Vec::new();
        if namespace.is_none() {
            let statement = sql("SELECT name, site_role FROM principal WHERE site_role IS NOT NULL ORDER BY name");
            for (principal, number) in self.db.all::<(String, i64)>(statement).await? {
                grants.push(Grant { principal, namespace: None, role: role(number)? });
            }
        }
        let mut statement = sql("SELECT p.name, e.id, e.name, g.role FROM namespace_role g
             JOIN principal p ON p.id = g.principal_id JOIN experiment e ON e.id = g.namespace_id");
        if let Some(namespace) = namespace {
            statement.push(" WHERE g.namespace_id = ").bind(namespace);
        }
        statement.push(" ORDER BY e.name, p.name");
        for (principal, id, name, number) in self.db.all::<(String, i64, String, i64)>(statement).await? {
            grants.push(Grant { principal, namespace: Some((id, name)), role: role(number)? });
        }
        Ok(grants)
    }

    /// The number of the namespace that is called so, or that has this number.
    ///
    /// # Errors
    /// [`Error::NotFound`] without one, [`Error::Invalid`] where it may be meant either way.
    pub async fn find_namespace(&self, name: &str) -> Result<i64> {
        let statement = sql("SELECT id FROM experiment WHERE name = $1 OR id = $2").arg(name);
        let found: Vec<(i64,)> = self.db.all(statement.arg(name.parse::<i64>().ok())).await?;
        match found[..] {
            [(id,)] => Ok(id),
            [] => Err(Error::NotFound(Resource::ExperimentNamed(name.to_owned()))),
            // Anyone may call a namespace as another is numbered.
            _ => Err(Error::Invalid(format!(
                "'{name}' is the name of one namespace and the number of another; rename it"
            ))),
        }
    }
}

pub(super) async fn must_exist(tx: &mut Tx, experiment_id: i64) -> Result<()> {
    let found: Option<(i64,)> = tx.optional(sql("SELECT id FROM experiment WHERE id = $1").arg(experiment_id)).await?;
    found.map(drop).ok_or_else(|| Error::NotFound(Resource::Experiment(experiment_id.to_string())))
}

impl Store {
    /// Makes sure that the caller may do what the route is for in this namespace.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the caller may not even see it, [`Error::Denied`] where they may only see it.
    pub async fn authorize(&self, caller: &Caller, experiment_id: i64) -> Result<()> {
        if caller.reach(caller.needs()) == Reach::Everywhere {
            return Ok(());
        }
        let mut tx = self.db().read().await?;
        let mut statement = sql("SELECT id FROM experiment WHERE id = ");
        statement.bind(experiment_id).visible_to(caller, "id");
        if tx.optional::<(i64,)>(statement).await?.is_none() {
            return Err(Error::NotFound(Resource::Experiment(experiment_id.to_string())));
        }
        authorize(&mut tx, caller, experiment_id).await
    }
}

/// Makes sure that the caller may do what the route is for in a namespace that they may see.
pub(in crate::store) async fn authorize(tx: &mut Tx, caller: &Caller, experiment_id: i64) -> Result<()> {
    let needs = caller.needs();
    let may = match caller.reach(needs) {
        Reach::Everywhere => true,
        Reach::Nowhere => false,
        Reach::One(only) => only == experiment_id,
        Reach::Granted { only: Some(only), .. } if only != experiment_id => false,
        Reach::Granted { principals, .. } => {
            let mut statement = sql("SELECT max(role) FROM namespace_role WHERE namespace_id = ");
            statement.bind(experiment_id).push(" AND principal_id").bind_ints(tx.dialect(), principals);
            let found: Option<(Option<i64>,)> = tx.optional(statement).await?;
            found.and_then(|(role,)| role) >= Some(needs as i64)
        }
    };
    if may { Ok(()) } else { Err(denied(needs)) }
}

/// The refusal of a change by someone who may see what they wanted to change.
pub(in crate::store) fn denied(needs: Role) -> Error {
    Error::Denied(format!("this needs the role '{needs}' in the namespace, and a credential that allows it"))
}

/// Gives whoever made a namespace the role to manage it.
pub(in crate::store) async fn grant_to_creator(tx: &mut Tx, caller: &Caller, experiment_id: i64) -> Result<()> {
    let Some(account) = caller.account() else { return Ok(()) };
    // Nothing for an account that was removed a moment ago.
    let insert = sql("INSERT INTO namespace_role (namespace_id, principal_id, role)
         SELECT $1, id, $2 FROM principal WHERE id = $3");
    match tx.run(insert.arg(experiment_id).arg(Role::Manager as i64).arg(account)).await? {
        0 => Err(Error::Unauthenticated("the account was removed")),
        _ => Ok(()),
    }
}
