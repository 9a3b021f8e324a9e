/** How a file is shown. */
export type ArtifactKind =
  | "image" | "text" | "json" | "yaml" | "table" | "notebook" | "markdown" | "pdf" | "audio" | "video"
  /** What could act in the name of the page it is shown in: shown in a frame that has no rights. */
  | "page"
  /** What could act, and has no view. */
  | "active"
  | "other";

const KINDS: Readonly<Record<Exclude<ArtifactKind, "other">, readonly string[]>> = {
  image: ["png", "jpg", "jpeg", "gif", "webp", "bmp", "avif", "ico"],
  text: [
    "txt", "log", "err", "out", "toml", "ini", "cfg", "conf", "properties", "py", "sh", "rst", "diff", "patch",
    "js", "ts", "css", "rs", "c", "cc", "cpp", "h", "f90", "sql", "jsonl", "ndjson", "env", "lock", "xml",
  ],
  json: ["json", "geojson"],
  yaml: ["yaml", "yml"],
  table: ["csv", "tsv"],
  notebook: ["ipynb"],
  markdown: ["md", "markdown"],
  pdf: ["pdf"],
  audio: ["mp3", "wav", "ogg", "oga", "opus", "flac", "m4a", "aac"],
  video: ["mp4", "m4v", "webm", "ogv", "mov"],
  page: ["html", "htm", "xhtml", "svg"],
  active: ["xht", "svgz", "mht", "mhtml"],
};
const BY_EXTENSION = new Map(Object.entries(KINDS).flatMap(([kind, extensions]) => extensions.map((extension) => [extension, kind as ArtifactKind])));
const NAMES_OF_TEXTS = ["mlproject", "readme", "license", "makefile", "dockerfile"];

/** How a file of this name is shown: by the name alone, never by what its sender says it is. */
export function artifactKind(path: string): ArtifactKind {
  const name = nameOf(path).toLowerCase();
  const extension = name.includes(".") ? name.slice(name.lastIndexOf(".") + 1) : "";
  if (name === "mlmodel") return "yaml";
  return BY_EXTENSION.get(extension) ?? (NAMES_OF_TEXTS.includes(name) ? "text" : "other");
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
