/**
 * What precedes the paths of resources that see one another by name: nothing for those of the service itself, `workspaces/{id}/` for those of
 * a workspace (https://learn.microsoft.com/azure/api-management/workspaces-overview#workspaces-and-other-api-management-features).
 */
export const levelOf = (path: string): string => /^workspaces\/[^/]+\//i.exec(path)?.[0] ?? "";

/** Whether two names, paths or ARM ids mean the same. */
export const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Whether two resources are of one workspace, or both of the service itself. */
export const onOneLevel = (a: string, b: string): boolean => isSame(levelOf(a), levelOf(b));
