/** The script and the style of reports, with their hashes as a policy (CSP) has them. `build.mjs` makes them. */
declare module "report:text" {
  interface Part {
    text: string;
    hash: string;
  }
  export const script: Part;
  export const style: Part;
}
