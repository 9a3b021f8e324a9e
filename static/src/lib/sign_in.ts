/** The page that asks for name and password, and leads back here. */
export function signInPath(): string {
  const here = `./${location.hash}`;
  return here === "./" ? "login" : `login?return_to=${encodeURIComponent(here)}`;
}
