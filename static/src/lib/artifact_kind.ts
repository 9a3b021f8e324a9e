/** How a file is shown. */
export type ArtifactKind = "image" | "text" | "json" | "markdown" | "active" | "other";

const IMAGES = ["png", "jpg", "jpeg", "gif", "webp", "bmp", "avif", "ico"];
const TEXTS = [
  "txt", "log", "err", "out", "yaml", "yml", "toml", "ini", "cfg", "conf", "properties", "csv", "tsv", "py", "sh", "rst", "diff", "patch",
  "js", "ts", "css", "rs", "c", "cc", "cpp", "h", "f90", "sql", "ipynb", "jsonl", "ndjson", "env", "lock", "xml",
];
const NAMES_OF_TEXTS = ["mlmodel", "mlproject", "readme", "license", "makefile", "dockerfile"];
/** What could act in the name of the page it is shown in. */
const ACTIVE = ["html", "htm", "xhtml", "svg", "svgz", "mht", "pdf"];

/** How a file of this name is shown: by the name alone, never by what its sender says it is. */
export function artifactKind(path: string): ArtifactKind {
  const name = (path.split("/").at(-1) ?? "").toLowerCase();
  const extension = name.includes(".") ? (name.split(".").at(-1) ?? "") : "";
  if (IMAGES.includes(extension)) return "image";
  if (extension === "json" || extension === "geojson") return "json";
  if (extension === "md" || extension === "markdown") return "markdown";
  if (ACTIVE.includes(extension)) return "active";
  return TEXTS.includes(extension) || NAMES_OF_TEXTS.includes(name) ? "text" : "other";
}

/** The folder that something is in; "" is the top. */
export function folderOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? "" : path.slice(0, end);
}

/** The name within its folder. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folders on the way to something, from the top: `a/b/c.txt` lies in ``, `a` and `a/b`. */
export function foldersTo(path: string): readonly string[] {
  const names = path.split("/").slice(0, -1);
  return ["", ...names.map((_, index) => names.slice(0, index + 1).join("/"))];
}

export function joined(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}
