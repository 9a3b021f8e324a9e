/** Has the browser save a text as a file. */
export function saveText(name: string, type: string, text: string): void {
  saveBlob(name, new Blob([text], { type }));
}

/** Has the browser save something as a file. */
export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  saveFrom(url, name);
  // The browser has taken it by then; freeing it at once would end the download in some.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Dots of a picture for each pixel. */
const SHARPNESS = 2;

/** Has the browser save the text of an SVG, which tells its size in pixels, as a PNG. */
export async function savePicture(name: string, svg: string): Promise<void> {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth * SHARPNESS;
    canvas.height = image.naturalHeight * SHARPNESS;
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    if (blob === null) throw new Error("the browser made no picture of it");
    saveBlob(name, blob);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Has the browser save what is at an address. */
export function saveFrom(address: string, name: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
