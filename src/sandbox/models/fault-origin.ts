import type { Upstream } from "../gateway/policy.ts";

const host = "fault-origin.sandbox.example";

/** Where a failover drill's copy of a backend points in the sandbox. */
export const faultOriginUrl = `https://${host}`;

/** A host that answers every request with 503. */
export const faultOrigin: Upstream = {
  matches: ({ hostname }) => hostname === host,
  fetch: async () => Response.json({ error: { code: "503", message: "This origin fails on purpose." } }, { status: 503 }),
};
