//! `logged-models/…` (contract section 7.1): as much as a client needs to learn that there are none.
//!
//! This server does not take logged models yet, so none exist, and a search for them finds nothing. Clients of 3.x
//! search before they download an artifact and fail where the endpoint is missing.

use serde::Serialize;

use super::fields::Fields;
use super::reply::Json;
use super::routes::Request;
use crate::error::Result;
use crate::model::Caller;
use crate::state::AppState;
use crate::validate;

/// `logged-models/search`.
pub struct SearchLoggedModels;

impl Request for SearchLoggedModels {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let ids = fields.texts("experiment_ids")?;
        if ids.is_empty() {
            return Err(fields.missing("experiment_ids"));
        }
        ids.iter().try_for_each(|id| validate::experiment_id(id).map(drop))?;
        Ok(SearchLoggedModels)
    }
}

/// A page of logged models: an empty one.
#[derive(Serialize)]
pub struct FoundLoggedModels {}

/// `POST logged-models/search`
pub async fn search(_app: AppState, _caller: Caller, _request: SearchLoggedModels) -> Result<Json<FoundLoggedModels>> {
    Ok(Json(FoundLoggedModels {}))
}
