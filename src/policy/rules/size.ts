import type { Finding } from "./finding.ts";
import type { Context } from "./place.ts";

/** https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#api-management-limits */
const kibibytes = { consumption: 16, classic: 256, v2: 256 } as const;

export function documentSize({ document: { source }, form, scope, tier }: Context): readonly Finding[] {
  // The documented limits of a fragment contradict one another, so none is enforced.
  if (form === "fragment" || scope === "fragment") return [];
  const limit = kibibytes[tier ?? "classic"];
  if (source.length * 3 <= limit * 1024) return [];
  const bytes = new TextEncoder().encode(source).length;
  if (bytes <= limit * 1024) return [];
  return [
    {
      severity: "error",
      element: null,
      span: { start: 0, end: 0 },
      message: `Policy size exceeds allowed limit of ${limit} KB: it has ${bytes} bytes.`,
      fix: "Move parts of the policy into policy fragments.",
    },
  ];
}
