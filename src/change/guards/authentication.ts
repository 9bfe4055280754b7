import { lostCredentials, lostOnMembers, lostOnRoutes } from "./authentication-backends.ts";
import { lostInFragments, lostInPolicies } from "./authentication-policies.ts";
import type { Guard } from "./guard.ts";

/**
 * No call loses an authentication or access check that it meets now: neither in the policies of its scopes, fragments and named values put
 * in, nor in the backend or the member of a pool that it goes to. What moves to where the same calls still meet it is not lost; what moves behind a condition is.
 */
export const authRemoved: Guard = {
  name: "auth_removed",
  passed: "No authentication or access check is removed.",
  objections(subject) {
    const judged = [
      lostInPolicies(subject),
      lostInFragments(subject),
      lostCredentials(subject.documents),
      lostOnRoutes(subject),
      lostOnMembers(subject),
    ].filter((objections) => objections !== null);
    return judged.length === 0 ? null : [...new Set(judged.flat())];
  },
};
