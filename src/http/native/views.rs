//! `views`: places in the pages under a name, and short links to them.

use serde::Serialize;

use super::invalid;
use crate::error::{Error, Resource, Result};
use crate::http::fields::Fields;
use crate::http::reply::{Empty, Json};
use crate::http::routes::Request;
use crate::model::Caller;
use crate::state::AppState;
use crate::store::{NewView, SavedView};
use crate::validate;

/// The longest address, in bytes.
const MAX_ADDRESS: usize = 16 * 1024;
/// The longest name, in characters.
const MAX_NAME: usize = 256;
/// Views of one answer.
const MAX_LISTED: usize = 1_000;

/// A view as JSON.
#[derive(Serialize)]
pub struct ViewReply {
    key: String,
    address: String,
    name: Option<String>,
    experiment_id: Option<String>,
    made_by: Option<String>,
    created: i64,
}

impl From<SavedView> for ViewReply {
    fn from(SavedView { key, view, made_by, created_ms }: SavedView) -> Self {
        let NewView { address, name, experiment_id } = view;
        let experiment_id = experiment_id.map(|id| id.to_string());
        ViewReply { key, address, name, experiment_id, made_by, created: created_ms }
    }
}

fn read_experiment(fields: &mut Fields) -> Result<Option<i64>> {
    fields.text("experiment_id")?.map(|id| validate::experiment_id(&id)).transpose()
}

/// `POST views`
pub struct SaveView(NewView);

impl Request for SaveView {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let address = fields.required_text("address")?;
        if !address.starts_with("#/") || address.len() > MAX_ADDRESS || address.contains(char::is_control) {
            let allowed =
                format!("it begins with '#/', has at most {MAX_ADDRESS} bytes and none of the control characters");
            return Err(invalid("address", &address, &allowed));
        }
        let name = fields.text("name")?;
        if let Some(name) = &name
            && (name.trim().is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control))
        {
            let allowed = format!("it has 1 to {MAX_NAME} characters and none of the control characters");
            return Err(invalid("name", name, &allowed));
        }
        Ok(SaveView(NewView { address, name, experiment_id: read_experiment(fields)? }))
    }
}

/// `POST views`
pub async fn save(app: AppState, caller: Caller, SaveView(new): SaveView) -> Result<Json<ViewReply>> {
    let saved = app.store.save_view(&caller, new, (app.clock)()).await?;
    Ok(Json(saved.into()))
}

/// `views/{key}`
pub struct ViewKey(String);

impl Request for ViewKey {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let key = fields.required_text("key")?;
        validate::no_nul("key", &key)?;
        Ok(ViewKey(key))
    }
}

/// `GET views/{key}`
pub async fn get(app: AppState, caller: Caller, ViewKey(key): ViewKey) -> Result<Json<ViewReply>> {
    let found = app.store.find_view(&caller, &key).await?;
    found.map(|view| Json(view.into())).ok_or(Error::NotFound(Resource::View(key)))
}

/// `DELETE views/{key}`
pub async fn delete(app: AppState, caller: Caller, ViewKey(key): ViewKey) -> Result<Json<Empty>> {
    app.store.delete_view(&caller, &key).await?;
    Ok(Json(Empty {}))
}

/// `GET views`
pub struct ListViews(Option<i64>);

impl Request for ListViews {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        read_experiment(fields).map(ListViews)
    }
}

/// Named views.
#[derive(Serialize)]
pub struct FoundViews {
    views: Vec<ViewReply>,
    truncated: bool,
}

/// `GET views`
pub async fn list(app: AppState, caller: Caller, ListViews(experiment): ListViews) -> Result<Json<FoundViews>> {
    let mut views = app.store.list_views(&caller, experiment, MAX_LISTED).await?;
    let truncated = views.len() > MAX_LISTED;
    views.truncate(MAX_LISTED);
    Ok(Json(FoundViews { views: views.into_iter().map(ViewReply::from).collect(), truncated }))
}
