//! What operators and clients ask about the server itself: `/health`, `/version`, `/ready`, `/metrics`, `server-info`.
//!
//! Takes no caller anywhere: these answers hold nothing of what is recorded, and whoever supervises the server has no
//! account.

use std::time::Duration;

use axum::{Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use serde_json::json;
use tracing::warn;

use crate::{
    error::{Error, Result},
    http::reply::Json,
    state::AppState,
};

/// The release of MLflow whose API this is; clients ask for it before they use newer parts.
pub const MLFLOW_VERSION: &str = "3.18.0";

/// How long the database may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The routes of this module that a control socket offers too.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/health", get(health))
        .route("/version", get(version))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
}

/// `GET /health`: whether the process answers. Exactly `OK`, because scripts compare it.
pub async fn health() -> &'static str {
    "OK"
}

/// `GET /version`: the bare version of MLflow, which clients parse.
pub async fn version() -> &'static str {
    MLFLOW_VERSION
}

/// `GET /ready`: whether requests can be served now.
pub async fn ready(State(app): State<AppState>) -> Result<impl IntoResponse> {
    match tokio::time::timeout(PING_TIMEOUT, app.store.ping()).await {
        Ok(Ok(())) => Ok(Json(json!({ "status": "ready" }))),
        Ok(Err(error)) => {
            warn!("not ready: {error:?}");
            Err(Error::Unavailable("the database cannot be reached"))
        }
        Err(_) => Err(Error::Unavailable("the database does not answer")),
    }
}

/// `GET /metrics`: the figures in Prometheus' text format.
pub async fn metrics(State(app): State<AppState>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render())
}

/// `GET /api/3.0/mlflow/server-info`: what clients may use here. Contract section 4.3.
pub async fn server_info(State(app): State<AppState>) -> impl IntoResponse {
    Json(json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "artifact_serving_enabled": app.options.serve_artifacts,
        "multipart_uploads_enabled": false,
        "multipart_downloads_enabled": false,
        "presigned_upload_run_id_supported": false,
        "presigned_upload_model_id_supported": false,
        "model_artifact_presigned_downloads_supported": false,
        "artifacts_presigned_only": false,
        "features_enabled": { "gateway": false, "scheduled_issue_detection": false },
        "tracking_auth": "",
        "skill_content_max_size": 0,
        "skill_content_max_files": 0,
    }))
}
