//! `roles`: who may do what where, for administrators, and for the managers of a namespace.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::reply::{Empty, Json};
use crate::http::routes::Request;
use crate::model::{Caller, Role};
use crate::state::AppState;
use crate::store::{Grant, Namespace};
use crate::validate;

/// A role that someone has somewhere.
#[derive(Serialize)]
struct GrantReply {
    principal: String,
    experiment_id: Option<String>,
    experiment_name: Option<String>,
    role: &'static str,
}

impl From<Grant> for GrantReply {
    fn from(grant: Grant) -> Self {
        let (id, name) = grant.namespace.unzip();
        GrantReply {
            principal: grant.principal,
            experiment_id: id.map(|id| id.to_string()),
            experiment_name: name,
            role: grant.role.as_str(),
        }
    }
}

/// Where a role is looked for, given or taken.
fn namespace(fields: &mut Fields) -> Result<Namespace> {
    match fields.text("experiment_id")? {
        Some(id) => Ok(Namespace::One(validate::experiment_id(&id)?)),
        None => Ok(Namespace::All),
    }
}

/// Managers manage their own namespaces, administrators all.
async fn authorize(app: &AppState, caller: &Caller, namespace: Namespace) -> Result<()> {
    match namespace {
        Namespace::One(experiment_id) => app.store.authorize(caller, experiment_id).await,
        Namespace::All if caller.is_admin() => Ok(()),
        Namespace::All => {
            Err(Error::Denied("roles in all namespaces are for administrators; name 'experiment_id'".to_owned()))
        }
    }
}

/// `GET roles`
pub struct ListRoles(Namespace);

impl Request for ListRoles {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        namespace(fields).map(ListRoles)
    }
}

/// Roles by namespace and name.
#[derive(Serialize)]
pub struct Roles {
    roles: Vec<GrantReply>,
}

/// `GET roles`
pub async fn list(app: AppState, caller: Caller, ListRoles(namespace): ListRoles) -> Result<Json<Roles>> {
    authorize(&app, &caller, namespace).await?;
    let one = match namespace {
        Namespace::One(id) => Some(id),
        Namespace::All => None,
    };
    let grants = app.access.accounts().list_grants(one).await?;
    Ok(Json(Roles { roles: grants.into_iter().map(GrantReply::from).collect() }))
}

/// `PUT roles`
pub struct GiveRole {
    principal: String,
    namespace: Namespace,
    role: Role,
}

impl Request for GiveRole {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let role = fields.required_text("role")?;
        let role = Role::from_name(&role).ok_or_else(|| {
            Error::Invalid(format!(
                "Invalid value {} for parameter 'role' supplied: it is 'reader', 'editor', 'manager' or, without \
                 'experiment_id', 'admin'.",
                validate::excerpt(&role)
            ))
        })?;
        let principal = fields.required_text("principal")?;
        validate::no_nul("principal", &principal)?;
        Ok(GiveRole { principal, namespace: namespace(fields)?, role })
    }
}

/// `PUT roles`: in place of the role that the principal has there.
pub async fn give(app: AppState, caller: Caller, request: GiveRole) -> Result<Json<Empty>> {
    let GiveRole { principal, namespace, role } = request;
    tracing::Span::current().record("object", format!("{principal} {role} {namespace:?}"));
    authorize(&app, &caller, namespace).await?;
    app.access.accounts().grant(&principal, namespace, role).await?;
    app.access.forget();
    Ok(Json(Empty {}))
}

/// `DELETE roles`
pub struct TakeRole {
    principal: String,
    namespace: Namespace,
}

impl Request for TakeRole {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let principal = fields.required_text("principal")?;
        validate::no_nul("principal", &principal)?;
        Ok(TakeRole { principal, namespace: namespace(fields)? })
    }
}

/// `DELETE roles`
pub async fn take(app: AppState, caller: Caller, request: TakeRole) -> Result<Json<Empty>> {
    let TakeRole { principal, namespace } = request;
    tracing::Span::current().record("object", format!("{principal} {namespace:?}"));
    authorize(&app, &caller, namespace).await?;
    app.access.accounts().revoke(&principal, namespace).await?;
    app.access.forget();
    Ok(Json(Empty {}))
}
