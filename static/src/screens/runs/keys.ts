/** Names of metrics, params or tags that are asked for at once: as many as the server tells (docs/API.md, `GET keys`). */
export const KEY_LIMIT = 5_000;
