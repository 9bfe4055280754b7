import { type ErrorCode, GatewayError } from "../../errors.ts";
import type { ProbeAnswer } from "../../gateway/ports.ts";
import type { TestedMember } from "../../gateway/test-path.ts";
import { triesIn } from "../drill/tries.ts";

/** To one member: each costs a token. */
export const mostTestCalls = 6;

/** What one test call has come to. */
export type Told =
  /** The member itself: null where the gateway got no answer of it. */
  | { readonly by: "member"; readonly status: number | null; readonly region: string | null; readonly callers: number | null }
  /** The gateway, which has not sent the call on. */
  | { readonly by: "gateway"; readonly status: number }
  /** Nobody. */
  | { readonly by: "none"; readonly reason: string };

/** Who has answered a test call. Only the mark of the path's own policy tells that it was the member. */
export function toldBy({ status, region, reason, tries }: ProbeAnswer): Told {
  if (status === null) return { by: "none", reason: reason ?? "no reason is known" };
  const last = triesIn(tries ?? null)?.at(-1);
  if (last === undefined) return { by: "gateway", status };
  return { by: "member", status: last.status, region: last.region ?? region, callers: status };
}

export const isWorking = (told: Told): boolean => told.by === "member" && isSuccess(told.status) && isSuccess(told.callers);

const isSuccess = (status: number | null): boolean => status !== null && status >= 200 && status < 300;

/** Whether the same call may get another answer within seconds: the path is new to the gateway, a role to the model, or it is busy. */
export function isWorthAgain(told: Told): boolean {
  if (told.by === "none") return false;
  // A key that the gateway does not take.
  if (told.by === "gateway") return told.status !== 401;
  return told.status !== 404;
}

/** Why a member may not join, with what to do about it. `steps` are the commands that the plan names, such as a role assignment. */
export function notWorking({ backendId, url }: TestedMember, told: Told, steps: readonly string[]): GatewayError {
  const { code, what, todo } = reasonOf(told, url ?? "its URL", steps);
  return new GatewayError(
    code,
    `New member '${backendId}' did not prove to work: ${what}. It was not put into the pool, and nothing of the change was written.`,
    { hint: `${todo} The plan can still be applied: then call apply_change again.`, retryable: true },
  );
}

interface Reason {
  readonly code: ErrorCode;
  readonly what: string;
  readonly todo: string;
}

function reasonOf(told: Told, url: string, steps: readonly string[]): Reason {
  switch (told.by) {
    case "none":
      return {
        code: "unavailable",
        what: `the gateway gave no answer (${told.reason})`,
        todo: "Look whether the gateway, or the backend behind it, hangs.",
      };
    case "gateway":
      if (told.status === 401) {
        return {
          code: "not_configured",
          what: "the gateway itself answered 401 and did not ask it",
          todo: "The key of AIGW_PROBE_KEY, or what else the API's policies ask of its callers, is not accepted: give it a key that opens the API.",
        };
      }
      if (told.status === 410) {
        return {
          code: "unavailable",
          what: "the gateway had closed the test path already (410)",
          todo: "Compare this machine's clock with the gateway's.",
        };
      }
      return {
        code: "unavailable",
        what: `the gateway itself answered ${told.status} and did not ask it`,
        todo: "A policy of the API, such as a cache or a limit, answers the test call; or the gateway does not follow yet.",
      };
    case "member":
      return memberReason(told.status, told.callers, url, steps);
  }
}

function memberReason(status: number | null, callers: number | null, url: string, steps: readonly string[]): Reason {
  if (status === null) {
    return {
      code: "unavailable",
      what: "no connection to it, or no answer of it, came about",
      todo: `Check ${url}: its name, its network, whether it is up.`,
    };
  }
  if (status === 401 || status === 403) {
    return {
      code: "forbidden",
      what: `it answered ${status}`,
      todo:
        steps.length > 0
          ? `Give the gateway's identity access, and some minutes to take effect: ${steps.join("; ")}.`
          : `It does not accept what the gateway signs in with: check its credentials, or the role of the gateway's identity on the account behind ${url}.`,
    };
  }
  if (status === 404) {
    return {
      code: "not_found",
      what: "it answered 404",
      todo: `Either ${url} is not the right URL, or it has no deployment of the name that AIGW_PROBE_DEPLOYMENT says (default gpt-4o).`,
    };
  }
  if (isSuccess(status)) {
    return {
      code: "unavailable",
      what: `it answered ${status}, of which a policy makes ${callers ?? "nothing"}`,
      todo: "Look at the API's <outbound>.",
    };
  }
  const todo = status === 429 ? "It has no capacity at this moment." : `Look into what is behind ${url}.`;
  return { code: "unavailable", what: `it answered ${status}`, todo };
}
