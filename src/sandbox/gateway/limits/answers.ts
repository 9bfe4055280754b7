import { type Call, PolicyError, type PolicyNode } from "../policy.ts";

/** How a limit turns a call away. */
export interface Refusal {
  readonly status: 403 | 429;
  /** As `context.LastError.Reason` has it. */
  readonly reason: string;
  readonly message: string;
  /** Null where no wait helps. */
  readonly retryAfterSeconds: number | null;
}

/**
 * Turns a call away by the service's own bodies. The wait goes into the header and the variable that the policy names for it.
 */
export async function refuse(node: PolicyNode, call: Call, { status, reason, message, retryAfterSeconds }: Refusal): Promise<never> {
  const variable = await call.text(node, "retry-after-variable-name");
  if (variable !== "" && retryAfterSeconds !== null) call.variables.set(variable, retryAfterSeconds);
  const header = await call.text(node, "retry-after-header-name", "Retry-After");
  throw new PolicyError(
    { source: node.name, reason, message },
    {
      status,
      reason: status === 429 ? "Too Many Requests" : "Forbidden",
      headers: retryAfterSeconds === null ? {} : { [header]: String(retryAfterSeconds) },
    },
  );
}

/** Sets the header and the variable that a policy names for a number; neither where it names none. */
export async function publish(
  node: PolicyNode,
  call: Call,
  { header, variable, value }: { readonly header: string; readonly variable: string; readonly value: number },
  headers: Headers | null,
): Promise<void> {
  const [headerName, variableName] = [await call.text(node, header), await call.text(node, variable)];
  if (headerName !== "" && headers !== null) headers.set(headerName, String(value));
  if (variableName !== "") call.variables.set(variableName, value);
}

/** `41 seconds`, `21 minutes and 33 seconds`, `2 days, 3 hours, 1 minute and 5 seconds`: as measured; Assumed: beyond minutes in the same way. */
export function spelledWait(seconds: number): string {
  const units: readonly (readonly [name: string, length: number])[] = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
    ["second", 1],
  ];
  let rest = seconds;
  const parts = units.flatMap(([name, length]) => {
    const count = Math.floor(rest / length);
    rest -= count * length;
    return count === 0 ? [] : [`${count} ${name}${count === 1 ? "" : "s"}`];
  });
  const last = parts.pop() ?? "0 seconds";
  return parts.length === 0 ? last : `${parts.join(", ")} and ${last}`;
}

/** `01:02:03`, with days in front where there are any, as .NET writes a span of time. */
export function clockWait(seconds: number): string {
  const two = (count: number) => String(count).padStart(2, "0");
  const days = Math.floor(seconds / 86_400);
  const time = [Math.floor((seconds % 86_400) / 3_600), Math.floor((seconds % 3_600) / 60), seconds % 60].map(two).join(":");
  return days === 0 ? time : `${days}.${time}`;
}
