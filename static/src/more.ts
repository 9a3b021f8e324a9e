// What is opened now and then, as one chunk: apart, these screens would take a fifth more.

export { Admin } from "./screens/admin/admin.tsx";
export { Settings } from "./screens/settings/settings.tsx";
export { View } from "./screens/view/view.tsx";
