//! HTTP: every route in one list, and what holds for all of them.
//!
//! A handler parses, validates, calls the store once, and answers. What the wire looks like stands in `wire`, how
//! requests are read in [`mod@fields`], what surrounds every request in [`layers`].

mod artifacts;
mod auth;
pub mod batch;
mod experiments;
pub mod fields;
pub mod layers;
mod logged_models;
mod logging;
mod metrics;
mod native;
pub mod ops;
mod page_token;
mod people;
pub mod reply;
pub mod routes;
mod runs;
mod ui;
mod wire;

use axum::Router;
use axum::http::{Method, Uri};

use self::routes::Permission::{
    Admin, CreateExperiment, Delete, Manage, Monitor, Public, Read, Share, SignedIn, Write,
};
use self::routes::Root::{Ajax2, Api2, Api3, Own, Plain};
use self::routes::{Route, fields, raw, sized};
use crate::config::Config;
use crate::error::Error;
use crate::ingest;
use crate::state::AppState;

/// Every route of the server.
pub fn table() -> Vec<Route> {
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let (patch, delete) = (Method::PATCH, Method::DELETE);
    vec![
        fields(post.clone(), Api2, "mlflow/experiments/create", CreateExperiment, experiments::create),
        fields(post.clone(), Api2, "mlflow/experiments/search", Read, experiments::search),
        fields(get.clone(), Api2, "mlflow/experiments/search", Read, experiments::search),
        fields(get.clone(), Api2, "mlflow/experiments/get", Read, experiments::get),
        fields(get.clone(), Api2, "mlflow/experiments/get-by-name", Read, experiments::get_by_name),
        fields(post.clone(), Api2, "mlflow/experiments/delete", Delete, experiments::delete),
        fields(post.clone(), Api2, "mlflow/experiments/restore", Delete, experiments::restore),
        fields(post.clone(), Api2, "mlflow/experiments/update", Write, experiments::update),
        fields(post.clone(), Api2, "mlflow/experiments/set-experiment-tag", Write, experiments::set_tag),
        fields(post.clone(), Api2, "mlflow/experiments/delete-experiment-tag", Write, experiments::delete_tag),
        fields(post.clone(), Ajax2, "mlflow/experiments/search-datasets", Read, experiments::search_datasets),
        fields(post.clone(), Api2, "mlflow/runs/create", Write, runs::create),
        fields(post.clone(), Api2, "mlflow/runs/update", Write, runs::update),
        fields(post.clone(), Api2, "mlflow/runs/delete", Delete, runs::delete),
        fields(post.clone(), Api2, "mlflow/runs/restore", Delete, runs::restore),
        fields(get.clone(), Api2, "mlflow/runs/get", Read, runs::get),
        fields(post.clone(), Api2, "mlflow/runs/search", Read, runs::search).typed("SearchRuns", "FoundRuns"),
        fields(post.clone(), Api2, "mlflow/runs/log-metric", Write, logging::log_metric),
        fields(post.clone(), Api2, "mlflow/runs/log-parameter", Write, logging::log_parameter),
        fields(post.clone(), Api2, "mlflow/runs/log-batch", Write, logging::log_batch),
        fields(post.clone(), Api2, "mlflow/runs/set-tag", Write, logging::set_tag),
        fields(post.clone(), Api2, "mlflow/runs/delete-tag", Write, runs::delete_tag),
        sized(post.clone(), Api2, "mlflow/runs/log-inputs", Write, |app| app.options.inputs_limit, logging::log_inputs),
        fields(post.clone(), Api2, "mlflow/runs/log-model", Write, logging::log_model),
        fields(get.clone(), Api2, "mlflow/metrics/get-history", Read, metrics::get_history)
            .typed("GetHistory", "Metrics"),
        fields(get.clone(), Ajax2, "mlflow/metrics/get-history-bulk", Read, metrics::get_bulk_history)
            .typed("GetBulkHistory", "MetricsOfRuns"),
        fields(get.clone(), Api2, "mlflow/metrics/get-history-bulk-interval", Read, metrics::sample_histories)
            .typed("SampleHistories", "MetricsOfRuns"),
        fields(post.clone(), Api2, "mlflow/runs/outputs", Write, logged_models::log_outputs),
        fields(post.clone(), Api2, "mlflow/logged-models", Write, logged_models::create),
        fields(post.clone(), Api2, "mlflow/logged-models/search", Read, logged_models::search),
        fields(get.clone(), Api2, "mlflow/logged-models/{model_id}", Read, logged_models::get),
        fields(patch.clone(), Api2, "mlflow/logged-models/{model_id}", Write, logged_models::finalize),
        fields(delete.clone(), Api2, "mlflow/logged-models/{model_id}", Delete, logged_models::delete),
        fields(patch.clone(), Api2, "mlflow/logged-models/{model_id}/tags", Write, logged_models::set_tags),
        fields(
            delete.clone(),
            Api2,
            "mlflow/logged-models/{model_id}/tags/{tag_key}",
            Write,
            logged_models::delete_tag,
        ),
        fields(post.clone(), Api2, "mlflow/logged-models/{model_id}/params", Write, logged_models::log_params),
        raw(
            get.clone(),
            Api2,
            "mlflow/logged-models/{model_id}/artifacts/directories",
            Read,
            logged_models::list_files,
        )
        .typed("ListArtifacts", "Listing"),
        raw(get.clone(), Ajax2, "mlflow/logged-models/{model_id}/artifacts/files", Read, logged_models::get_file)
            .typed("ModelAndPath", "bytes"),
        raw(get.clone(), Api2, "mlflow/artifacts/list", Read, artifacts::list_run).typed("ListArtifacts", "Listing"),
        raw(get.clone(), Plain, "get-artifact", Read, artifacts::get_artifact).typed("RunAndPath", "bytes"),
        raw(post.clone(), Ajax2, "mlflow/upload-artifact", Write, artifacts::upload_artifact)
            .typed("bytes", "Empty")
            .streamed(),
        raw(get.clone(), Api2, "mlflow-artifacts/artifacts", Read, artifacts::list_files)
            .typed("ListArtifacts", "Listing"),
        raw(get.clone(), Api2, "mlflow-artifacts/artifacts/{*path}", Read, artifacts::get_file),
        raw(put.clone(), Api2, "mlflow-artifacts/artifacts/{*path}", Write, artifacts::put_file)
            .typed("bytes", "Empty")
            .streamed(),
        raw(delete.clone(), Api2, "mlflow-artifacts/artifacts/{*path}", Delete, artifacts::delete_path)
            .typed("path", "Empty"),
        raw(post.clone(), Api2, "mlflow-artifacts/mpu/create/{*path}", Write, artifacts::multipart_unsupported),
        raw(post.clone(), Api2, "mlflow-artifacts/mpu/complete/{*path}", Write, artifacts::multipart_unsupported),
        raw(post.clone(), Api2, "mlflow-artifacts/mpu/abort/{*path}", Write, artifacts::multipart_unsupported),
        raw(get.clone(), Api2, "mlflow-artifacts/presigned/{*path}", Read, artifacts::presigned_unsupported),
        raw(post.clone(), Api2, "mlflow/artifacts/presigned-upload-url", Write, artifacts::presigned_unsupported),
        raw(post.clone(), Api2, "mlflow/artifacts/presigned-download-url", Read, artifacts::presigned_unsupported),
        fields(get.clone(), Own, "experiments", Read, native::experiments::list).revalidated(),
        fields(post.clone(), Own, "rows", Read, native::rows::list).revalidated(),
        fields(get.clone(), Own, "keys", Read, native::keys::list).revalidated(),
        fields(get.clone(), Own, "changes", Read, native::changes::list),
        fields(get.clone(), Own, "find", Read, native::find::find).revalidated(),
        fields(post.clone(), Own, "groups", Read, native::groups::list).revalidated(),
        fields(post.clone(), Own, "complete", Read, native::complete::suggest).revalidated(),
        fields(post.clone(), Own, "diff", Read, native::diff::find).revalidated(),
        fields(post.clone(), Own, "values", Read, native::values::read).revalidated(),
        fields(post.clone(), Own, "series", Read, native::series::read)
            .typed("ReadSeries", "FoundSeries")
            .revalidated(),
        fields(post.clone(), Own, "inline-curves", Read, native::inline_curves::read)
            .typed("ReadInlineCurves", "FoundCurves")
            .revalidated(),
        fields(get.clone(), Own, "export/series", Read, native::export::series).typed("ExportSeries", "CSV"),
        fields(get.clone(), Own, "export/rows", Read, native::export_rows::export).typed("ExportRows", "CSV"),
        fields(post.clone(), Own, "export/rows", Read, native::export_rows::export).typed("ExportRows", "CSV"),
        fields(post.clone(), Own, "ingest/states", Read, native::ingest::states),
        fields(post.clone(), Own, "ingest/have", Read, native::ingest::have).typed("IngestHave", "Have"),
        fields(post.clone(), Own, "ingest/files", Read, native::ingest::files),
        fields(post.clone(), Own, "ingest/create", Write, native::ingest::create),
        sized(post.clone(), Own, "ingest/parts", Write, |_| ingest::MAX_PARTS_BYTES, native::ingest::parts).unpacked(),
        fields(get.clone(), Own, "artifacts", Read, native::artifacts::list),
        raw(get.clone(), Own, "artifacts/page", Read, native::artifact_page::show).typed("PageOfRun", "page"),
        fields(get.clone(), Own, "export/artifacts", Read, native::artifacts::export).typed("ExportArtifacts", "ZIP"),
        fields(post.clone(), Own, "runs/delete", Delete, native::bulk::delete),
        fields(post.clone(), Own, "runs/restore", Delete, native::bulk::restore),
        fields(post.clone(), Own, "runs/tag", Write, native::bulk::tag),
        fields(get.clone(), Own, "runs/{run_id}/lineage", Read, native::lineage::find).revalidated(),
        fields(get.clone(), Own, "views", Read, native::views::list).revalidated(),
        fields(get.clone(), Own, "views/{key}", Read, native::views::get).revalidated(),
        fields(post.clone(), Own, "views", Share, native::views::save),
        fields(delete.clone(), Own, "views/{key}", Share, native::views::delete),
        raw(get.clone(), Own, "session", Public, people::session::get).typed("none", "SessionReply"),
        raw(post.clone(), Own, "session", Public, people::session::create).typed("NameAndPassword", "SessionReply"),
        raw(delete.clone(), Own, "session", Public, people::session::delete).typed("none", "Empty"),
        raw(post.clone(), Own, "session/password", SignedIn, people::session::change_password)
            .typed("Passwords", "Empty"),
        fields(get.clone(), Own, "tokens", SignedIn, people::tokens::list),
        fields(post.clone(), Own, "tokens", SignedIn, people::tokens::create),
        fields(delete.clone(), Own, "tokens/{id}", SignedIn, people::tokens::revoke),
        fields(get.clone(), Own, "roles", Manage, people::roles::list),
        fields(put.clone(), Own, "roles", Manage, people::roles::give),
        fields(delete.clone(), Own, "roles", Manage, people::roles::take),
        fields(get.clone(), Own, "users", Admin, people::accounts::list),
        fields(post.clone(), Own, "users", Admin, people::accounts::create),
        fields(patch, Own, "users/{name}", Admin, people::accounts::change),
        fields(delete, Own, "users/{name}", Admin, people::accounts::delete),
        raw(post, Plain, "refreshtoken", Public, people::login::refresh).typed("RefreshToken", "Refreshed"),
        raw(get.clone(), Api3, "mlflow/server-info", Public, ops::server_info).typed("none", "ServerInfo"),
        raw(get.clone(), Plain, "health", Public, ops::health).typed("none", "text"),
        raw(get.clone(), Plain, "version", Public, ops::version).typed("none", "text"),
        raw(get.clone(), Plain, "ready", Public, ops::ready).typed("none", "Ready"),
        raw(get.clone(), Plain, "metrics", Monitor, ops::metrics).typed("none", "text"),
        raw(get.clone(), Plain, "", Public, ui::page).typed("none", "HTML"),
        raw(get.clone(), Plain, "login", Public, ui::account_page).typed("none", "HTML"),
        raw(get.clone(), Plain, "seed", Public, ui::account_page).typed("none", "HTML"),
        raw(get.clone(), Plain, "tokens", Public, ui::account_page).typed("none", "HTML"),
        raw(get, Plain, "static-files/{*path}", Public, ui::file).typed("none", "bytes"),
    ]
}

/// The whole server as a service.
pub fn router(state: AppState, config: &Config) -> Router {
    let (metrics, access) = (state.metrics.clone(), state.access.clone());
    let routes = routes::router(table(), &state)
        .fallback(no_endpoint)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state);
    layers::around(routes, config, metrics, access)
}

async fn no_endpoint(uri: Uri) -> Error {
    Error::NoEndpoint(format!(
        "There is no endpoint {}. docs/API.md lists those that there are",
        crate::validate::excerpt(uri.path())
    ))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Error {
    Error::MethodNotAllowed(format!(
        "The endpoint {} does not take the method {}",
        crate::validate::excerpt(uri.path()),
        crate::validate::excerpt(method.as_str())
    ))
}
