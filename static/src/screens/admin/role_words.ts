import type { Role } from "../../api/admin.ts";

const ROLES = [
  ["reader", "Reader: see everything"],
  ["editor", "Editor: also log, tag, rename"],
  ["manager", "Manager: also delete, restore, give roles"],
  ["admin", "Administrator: everything, accounts too"],
] as const satisfies readonly (readonly [Role, string])[];

/** The roles that can be given, the least first, and what they may do: in one experiment, or everywhere. */
export function rolesOf(everywhere: boolean): readonly (readonly [Role, string])[] {
  return everywhere ? ROLES : ROLES.slice(0, -1);
}
