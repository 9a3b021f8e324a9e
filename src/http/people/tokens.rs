//! `tokens`: one's own tokens.

use serde::Serialize;

use crate::access::{LOGIN_LIFETIME_MS, fresh_token, hash_of};
use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::reply::{Empty, Json};
use crate::http::routes::Request;
use crate::model::{Caller, Role};
use crate::state::AppState;
use crate::store::{NewToken, Token, TokenKind};
use crate::validate;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// The most days of a token.
const MAX_DAYS: i64 = 3_660;
/// The most tokens of an account.
const MAX_TOKENS: usize = 500;

/// The greatest role that a scope allows.
fn at_most(scope: &str) -> Result<Role> {
    Role::from_scope(scope).ok_or_else(|| {
        Error::Invalid(format!(
            "Invalid value {} for parameter 'scope' supplied: it is 'read', 'write' or 'full'.",
            validate::excerpt(scope)
        ))
    })
}

/// A token, without its text.
#[derive(Serialize)]
pub struct TokenReply {
    id: i64,
    name: String,
    kind: &'static str,
    scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    experiment_id: Option<String>,
    created_ms: i64,
    expires_ms: Option<i64>,
    last_used_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl TokenReply {
    fn of(token: Token, text: Option<String>) -> Self {
        TokenReply {
            id: token.id,
            name: token.name,
            kind: token.kind.as_str(),
            scope: token.at_most.as_scope(),
            experiment_id: token.experiment_id.map(|id| id.to_string()),
            created_ms: token.created_ms,
            expires_ms: token.expires_ms,
            last_used_ms: token.last_used_ms,
            token: text,
        }
    }
}

/// `GET tokens`
pub struct ListTokens;

impl Request for ListTokens {
    fn from_fields(_fields: &mut Fields) -> Result<Self> {
        Ok(ListTokens)
    }
}

/// One's tokens, the newest first.
#[derive(Serialize)]
pub struct Tokens {
    tokens: Vec<TokenReply>,
}

/// `GET tokens`
pub async fn list(app: AppState, caller: Caller, _request: ListTokens) -> Result<Json<Tokens>> {
    in_person(&caller)?;
    let tokens = app.access.accounts().list_tokens(Some(account(&caller)?)).await?;
    Ok(Json(Tokens { tokens: tokens.into_iter().map(|token| TokenReply::of(token, None)).collect() }))
}

/// `POST tokens`
pub struct CreateToken {
    name: String,
    kind: TokenKind,
    at_most: Role,
    experiment_id: Option<i64>,
    days: Option<i64>,
}

impl Request for CreateToken {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let kind = match fields.text("kind")?.as_deref() {
            None | Some("api") => TokenKind::Api,
            Some("login") => TokenKind::Login,
            Some(other) => {
                return Err(Error::Invalid(format!(
                    "Invalid value {} for parameter 'kind' supplied: it is 'api' or 'login'.",
                    validate::excerpt(other)
                )));
            }
        };
        let name = fields.text("name")?.unwrap_or_default();
        token_name(&name)?;
        let days = fields.integer("expires_days")?;
        if let Some(days) = days.filter(|days| !(1..=MAX_DAYS).contains(days)) {
            return Err(Error::Invalid(format!(
                "Invalid value {days} for parameter 'expires_days' supplied: it is between 1 and {MAX_DAYS}."
            )));
        }
        let experiment_id = fields.text("experiment_id")?;
        Ok(CreateToken {
            name,
            kind,
            at_most: at_most(fields.text("scope")?.as_deref().unwrap_or("full"))?,
            experiment_id: experiment_id.map(|id| validate::experiment_id(&id)).transpose()?,
            days,
        })
    }
}

/// What its owner calls a token.
fn token_name(name: &str) -> Result<()> {
    validate::no_nul("name", name)?;
    match name.chars().count() {
        0..=100 => Ok(()),
        length => Err(Error::Invalid(format!("'name' has {length} characters; at most 100 are allowed"))),
    }
}

/// `POST tokens`: the only moment at which the token's text is told.
pub async fn create(app: AppState, caller: Caller, request: CreateToken) -> Result<Json<TokenReply>> {
    let principal_id = account(&caller)?;
    in_person(&caller)?;
    let CreateToken { name, kind, at_most, experiment_id, days } = request;
    if let Some(experiment_id) = experiment_id {
        app.store.authorize(&caller, experiment_id).await?;
    }
    let accounts = app.access.accounts();
    if accounts.list_tokens(Some(principal_id)).await?.len() >= MAX_TOKENS {
        return Err(Error::Invalid(format!("there are {MAX_TOKENS} tokens already, the most allowed; revoke some")));
    }
    let now_ms = (app.clock)();
    let expires_ms = match kind {
        TokenKind::Login => Some(now_ms + LOGIN_LIFETIME_MS),
        TokenKind::Api => days.map(|days| now_ms + days * DAY_MS),
    };
    let text = fresh_token()?;
    let new = NewToken { principal_id, kind, name, hash: hash_of(&text), at_most, experiment_id, expires_ms };
    let id = accounts.create_token(&new, now_ms).await?;
    tracing::Span::current().record("object", format!("token {id}"));
    let token = accounts.find_token_by_id(id).await?;
    let token = token.ok_or_else(|| Error::NotFound(crate::error::Resource::Token(id)))?;
    Ok(Json(TokenReply::of(token, Some(text))))
}

/// `DELETE tokens/{id}`
pub struct RevokeToken(i64);

impl Request for RevokeToken {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        fields.integer("id")?.map(RevokeToken).ok_or_else(|| fields.missing("id"))
    }
}

/// `DELETE tokens/{id}`: in force at once here, within seconds on other servers of the database.
pub async fn revoke(app: AppState, caller: Caller, RevokeToken(id): RevokeToken) -> Result<Json<Empty>> {
    in_person(&caller)?;
    let owner = if caller.is_admin() { None } else { Some(account(&caller)?) };
    tracing::Span::current().record("object", format!("token {id}"));
    app.access.accounts().revoke_token(id, owner).await?;
    app.access.forget();
    Ok(Json(Empty {}))
}

fn account(caller: &Caller) -> Result<i64> {
    caller.account().ok_or(crate::access::SIGN_IN)
}

/// Refuses to let a token make what outlives it, and end others.
fn in_person(caller: &Caller) -> Result<()> {
    match caller {
        Caller::Known { identity, .. } if !identity.in_person => {
            Err(Error::Denied("a token does not look after tokens; sign in or send the password".to_owned()))
        }
        _ => Ok(()),
    }
}
