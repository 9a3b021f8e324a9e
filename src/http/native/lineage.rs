//! `GET runs/{run_id}/lineage`: the runs that hang together with one.

use serde::Serialize;

use crate::error::Result;
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::lineage::LinkKind;
use crate::model::Caller;
use crate::state::AppState;
use crate::store::{Edge, Graph, Node, Role};
use crate::validate;

/// `runs/{run_id}/lineage`.
pub struct FindLineage {
    run_id: String,
}

impl Request for FindLineage {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = fields.required_text("run_id")?;
        validate::no_nul("run_id", &run_id)?;
        Ok(FindLineage { run_id })
    }
}

/// The graph around a run.
#[derive(Serialize)]
pub struct Lineage {
    run_id: String,
    /// Of the training that the run is part of.
    training_id: String,
    nodes: Vec<NodeJson>,
    edges: Vec<EdgeJson>,
    trainings: Vec<TrainingJson>,
    missing: Vec<String>,
    truncated: bool,
}

#[derive(Serialize)]
struct NodeJson {
    run_id: String,
    experiment_id: String,
    run_name: String,
    user_id: String,
    status: &'static str,
    lifecycle_stage: &'static str,
    start_time: i64,
    end_time: Option<i64>,
    training_id: String,
    role: &'static str,
    attempt: Option<usize>,
    first_step: Option<i64>,
    last_step: Option<i64>,
    last_point_time: Option<i64>,
    training_time: i64,
}

#[derive(Serialize)]
struct EdgeJson {
    kind: &'static str,
    run_id: String,
    target: String,
    target_run_id: Option<String>,
    /// Of forks alone; null where it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Option<i64>>,
}

#[derive(Serialize)]
struct TrainingJson {
    training_id: String,
    attempts: usize,
    steps: Option<i64>,
    training_time: i64,
}

/// `GET runs/{run_id}/lineage`
pub async fn find(app: AppState, caller: Caller, request: FindLineage) -> Result<Json<Lineage>> {
    let Graph { nodes, edges, trainings, missing, truncated } =
        app.store.find_lineage(&caller, &request.run_id).await?;
    let training = |node: &Node| trainings[node.training].training_id.clone();
    let own = nodes.iter().find(|node| node.run_id == request.run_id).map(training);
    let nodes = nodes.iter().map(|node| node_json(node, training(node))).collect();
    // One attempt is told of as a node.
    let trainings = trainings.into_iter().filter(|training| training.attempts > 1).map(|training| TrainingJson {
        training_id: training.training_id,
        attempts: training.attempts,
        steps: training.steps,
        training_time: training.time_ms,
    });
    Ok(Json(Lineage {
        training_id: own.unwrap_or_else(|| request.run_id.clone()),
        run_id: request.run_id,
        nodes,
        edges: edges.into_iter().map(edge_json).collect(),
        trainings: trainings.collect(),
        missing,
        truncated,
    }))
}

fn node_json(node: &Node, training_id: String) -> NodeJson {
    let (role, attempt) = match node.role {
        Role::Prepared => ("prepared", None),
        Role::Attempt(number) => ("attempt", Some(number)),
        Role::Copy(number) => ("copy", Some(number)),
    };
    NodeJson {
        run_id: node.run_id.clone(),
        experiment_id: node.experiment_id.to_string(),
        run_name: node.name.clone(),
        user_id: node.user_id.clone(),
        status: node.status.as_str(),
        lifecycle_stage: node.lifecycle.as_str(),
        start_time: node.start_ms,
        end_time: node.end_ms,
        training_id,
        role,
        attempt,
        first_step: node.first_step,
        last_step: node.last_step,
        last_point_time: node.last_point_ms,
        training_time: node.time_ms,
    }
}

fn edge_json(edge: Edge) -> EdgeJson {
    let Edge { kind, run_id, target, target_run_id, step } = edge;
    let step = (kind == LinkKind::Fork).then_some(step);
    EdgeJson { kind: kind.as_str(), run_id, target, target_run_id, step }
}
