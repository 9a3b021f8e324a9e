/** A method and a path. */
export type Endpoint = readonly [method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string];

/** Endpoints that belong together. */
export interface Group {
  title: string;
  about: string;
  endpoints: readonly Endpoint[];
}

/** What the server answers, for a reader; paths stand after `api/2.0/` unless they begin with a slash. */
export const GROUPS: readonly Group[] = [
  {
    title: "Experiments",
    about: "Create, find, rename, tag, delete and restore.",
    endpoints: [
      ["POST", "mlflow/experiments/create"],
      ["GET", "mlflow/experiments/get"],
      ["GET", "mlflow/experiments/get-by-name"],
      ["POST", "mlflow/experiments/search"],
      ["POST", "mlflow/experiments/update"],
      ["POST", "mlflow/experiments/set-experiment-tag"],
      ["POST", "mlflow/experiments/delete-experiment-tag"],
      ["POST", "mlflow/experiments/delete"],
      ["POST", "mlflow/experiments/restore"],
    ],
  },
  {
    title: "Runs",
    about: "The life of a run, its parameters, tags and datasets.",
    endpoints: [
      ["POST", "mlflow/runs/create"],
      ["GET", "mlflow/runs/get"],
      ["POST", "mlflow/runs/search"],
      ["POST", "mlflow/runs/update"],
      ["POST", "mlflow/runs/log-parameter"],
      ["POST", "mlflow/runs/set-tag"],
      ["POST", "mlflow/runs/delete-tag"],
      ["POST", "mlflow/runs/log-inputs"],
      ["POST", "mlflow/runs/log-model"],
      ["POST", "mlflow/runs/outputs"],
      ["POST", "mlflow/runs/delete"],
      ["POST", "mlflow/runs/restore"],
    ],
  },
  {
    title: "Metrics",
    about: "One value, a batch of a thousand, or a whole history.",
    endpoints: [
      ["POST", "mlflow/runs/log-metric"],
      ["POST", "mlflow/runs/log-batch"],
      ["GET", "mlflow/metrics/get-history"],
      ["GET", "mlflow/metrics/get-history-bulk-interval"],
    ],
  },
  {
    title: "Logged models",
    about: "What runs made that can be loaded and used again.",
    endpoints: [
      ["POST", "mlflow/logged-models"],
      ["GET", "mlflow/logged-models/{model_id}"],
      ["PATCH", "mlflow/logged-models/{model_id}"],
      ["PATCH", "mlflow/logged-models/{model_id}/tags"],
      ["POST", "mlflow/logged-models/{model_id}/params"],
      ["POST", "mlflow/logged-models/search"],
      ["DELETE", "mlflow/logged-models/{model_id}"],
    ],
  },
  {
    title: "Artifacts",
    about: "Files of a run, streamed to and from the server’s disk.",
    endpoints: [
      ["GET", "mlflow/artifacts/list"],
      ["GET", "mlflow-artifacts/artifacts?path="],
      ["PUT", "mlflow-artifacts/artifacts/{path}"],
      ["GET", "mlflow-artifacts/artifacts/{path}"],
      ["DELETE", "mlflow-artifacts/artifacts/{path}"],
      ["GET", "/get-artifact"],
    ],
  },
  {
    title: "Accounts",
    about: "Pages to sign in and to make tokens, where there are accounts; Anemoi’s login.",
    endpoints: [
      ["GET", "/login"],
      ["GET", "/tokens"],
      ["GET", "/seed"],
      ["POST", "/refreshtoken"],
    ],
  },
  {
    title: "Service",
    about: "For load balancers, monitoring and clients.",
    endpoints: [
      ["GET", "/health"],
      ["GET", "/ready"],
      ["GET", "/version"],
      ["GET", "/metrics"],
      ["GET", "/api/3.0/mlflow/server-info"],
    ],
  },
];
