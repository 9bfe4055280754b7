import type { Guard } from "./guard.ts";

/** A drill that is to show something needs a few callers, and a team that agrees to it; not everyone at once. */
export const allTraffic: Guard = {
  name: "all_traffic",
  passed: "The evacuation concerns the subscriptions that the call names.",
  objections({ drill }) {
    if (drill?.mode !== "evacuate") return null;
    if (!drill.everyone) return [];
    if (drill.subscriptions !== null) {
      return [
        `The named subscriptions are all that can call API '${drill.apiId}': all its calls would be sent away from '${drill.backendId}'. Name fewer.`,
      ];
    }
    return [`All calls to API '${drill.apiId}' would be sent away from '${drill.backendId}'; name subscriptions to try it with.`];
  },
};

/** Whoever runs the origin can read what is sent to it. */
export const credentialToFaultOrigin: Guard = {
  name: "credential_to_fault_origin",
  passed: "No credential of the service reaches another's origin.",
  objections({ drill }) {
    if (drill?.faultOrigin == null) return null;
    const { origin, own, credentials } = drill.faultOrigin;
    return own || credentials.length === 0
      ? []
      : [`Policies attach a credential to what is sent to ${origin}: ${credentials.join(", ")}. Whoever runs it could use it.`];
  },
};
