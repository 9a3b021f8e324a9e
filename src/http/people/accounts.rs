//! `users`: accounts, for administrators.

use serde::Serialize;

use crate::access::check_password;
use crate::error::{Error, Resource, Result};
use crate::http::fields::Fields;
use crate::http::reply::{Empty, Json};
use crate::http::routes::Request;
use crate::model::{Caller, Role};
use crate::state::AppState;
use crate::store::{AccountChange, NewPrincipal, Principal, PrincipalKind};
use crate::validate;

/// An account, a group or a class of callers.
#[derive(Serialize)]
pub struct UserReply {
    name: String,
    kind: &'static str,
    display_name: String,
    email: String,
    site_role: Option<&'static str>,
    has_password: bool,
    created_ms: i64,
}

impl From<Principal> for UserReply {
    fn from(principal: Principal) -> Self {
        UserReply {
            name: principal.name,
            kind: principal.kind.as_str(),
            display_name: principal.display_name,
            email: principal.email,
            site_role: principal.site_role.map(Role::as_str),
            has_password: principal.has_password,
            created_ms: principal.created_ms,
        }
    }
}

/// `GET users`
pub struct ListUsers;

impl Request for ListUsers {
    fn from_fields(_fields: &mut Fields) -> Result<Self> {
        Ok(ListUsers)
    }
}

/// All of them, by name.
#[derive(Serialize)]
pub struct Users {
    users: Vec<UserReply>,
}

/// `GET users`
pub async fn list(app: AppState, _caller: Caller, _request: ListUsers) -> Result<Json<Users>> {
    let principals = app.access.accounts().list_principals().await?;
    Ok(Json(Users { users: principals.into_iter().map(UserReply::from).collect() }))
}

/// A text that people see, at most 200 characters.
fn shown(field: &str, text: Option<String>) -> Result<Option<String>> {
    if let Some(text) = &text {
        validate::no_nul(field, text)?;
        let length = text.chars().count();
        if length > 200 {
            return Err(Error::Invalid(format!("'{field}' has {length} characters; at most 200 are allowed")));
        }
    }
    Ok(text)
}

/// `POST users`
pub struct CreateUser {
    name: String,
    kind: PrincipalKind,
    display_name: String,
    email: String,
    password: Option<String>,
    admin: bool,
}

impl Request for CreateUser {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let name = fields.required_text("name")?;
        let kind = match fields.text("kind")?.as_deref() {
            None | Some("person") => PrincipalKind::Person,
            Some("service") => PrincipalKind::Service,
            Some("group") => PrincipalKind::Group,
            Some(other) => {
                return Err(Error::Invalid(format!(
                    "Invalid value {} for parameter 'kind' supplied: it is 'person', 'service' or 'group'.",
                    validate::excerpt(other)
                )));
            }
        };
        validate::account_name(name.strip_prefix("group:").filter(|_| kind == PrincipalKind::Group).unwrap_or(&name))?;
        let password = fields.text("password")?;
        if let Some(password) = &password {
            check_password("password", &name, password)?;
        }
        Ok(CreateUser {
            kind,
            display_name: shown("display_name", fields.text("display_name")?)?.unwrap_or_default(),
            email: shown("email", fields.text("email")?)?.unwrap_or_default(),
            password,
            admin: fields.flag("admin")?,
            name,
        })
    }
}

/// `POST users`
pub async fn create(app: AppState, _caller: Caller, request: CreateUser) -> Result<Json<UserReply>> {
    let CreateUser { name, kind, display_name, email, password, admin } = request;
    let name = match kind {
        PrincipalKind::Group if !name.starts_with("group:") => format!("group:{name}"),
        _ => name,
    };
    tracing::Span::current().record("object", &name);
    let password_hash = match password {
        Some(password) => Some(app.access.hash(&password).await?),
        None => None,
    };
    let site_role = admin.then_some(Role::Admin);
    let new = NewPrincipal { name: name.clone(), kind, display_name, email, password_hash, site_role };
    app.access.accounts().create_principal(&new, (app.clock)()).await?;
    app.access.forget();
    find(&app, &name).await
}

async fn find(app: &AppState, name: &str) -> Result<Json<UserReply>> {
    let principal = app.access.accounts().find_principal(name).await?;
    let principal = principal.ok_or_else(|| Error::NotFound(Resource::Principal(name.to_owned())))?;
    Ok(Json(principal.into()))
}

/// `PATCH users/{name}`
pub struct ChangeUser {
    name: String,
    display_name: Option<String>,
    email: Option<String>,
    password: Option<String>,
}

impl Request for ChangeUser {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let name = fields.required_text("name")?;
        validate::no_nul("name", &name)?;
        let password = fields.text("password")?;
        if let Some(password) = &password {
            check_password("password", &name, password)?;
        }
        Ok(ChangeUser {
            display_name: shown("display_name", fields.text("display_name")?)?,
            email: shown("email", fields.text("email")?)?,
            password,
            name,
        })
    }
}

/// `PATCH users/{name}`
pub async fn change(app: AppState, _caller: Caller, request: ChangeUser) -> Result<Json<UserReply>> {
    let ChangeUser { name, display_name, email, password } = request;
    tracing::Span::current().record("object", &name);
    let password_hash = match password {
        Some(password) => Some(app.access.hash(&password).await?),
        None => None,
    };
    let change = AccountChange { display_name, email, password_hash };
    app.access.accounts().change_account(&name, &change).await?;
    app.access.forget();
    find(&app, &name).await
}

/// `DELETE users/{name}`
pub struct DeleteUser(String);

impl Request for DeleteUser {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let name = fields.required_text("name")?;
        validate::no_nul("name", &name)?;
        Ok(DeleteUser(name))
    }
}

/// `DELETE users/{name}`: with all its roles, tokens and sessions. What it logged stays.
pub async fn delete(app: AppState, _caller: Caller, DeleteUser(name): DeleteUser) -> Result<Json<Empty>> {
    tracing::Span::current().record("object", &name);
    app.access.accounts().delete_principal(&name).await?;
    app.access.forget();
    Ok(Json(Empty {}))
}
