import { type Configuration, target } from "../config.ts";
import { type Diagnosis, diagnose } from "../diagnose/diagnose.ts";
import { GatewayError } from "../errors.ts";
import { openTrail } from "../mcp/audit.ts";
import type { Surface } from "../mcp/call.ts";
import { visible } from "../mcp/sanitize.ts";
import { misuse } from "./arguments.ts";
import { type Terminal, terminal } from "./terminal.ts";

export interface DoctorOptions {
  readonly configuration: Configuration;
  readonly surface: Pick<Surface, "contexts">;
  readonly operands: readonly string[];
  readonly json: boolean;
  readonly colour: boolean;
  readonly signal: AbortSignal;
  readonly out: (text: string) => void;
  /** Says what is being waited for, to somebody who sits before it. */
  readonly progress: (text: string) => void;
}

/** What a person is shown, and what `--json` prints. */
interface Report {
  /** Null before a service is configured. */
  readonly service: string | null;
  /** Why it could not be looked at, where it could not. */
  readonly failure?: { readonly message: string; readonly details: readonly string[] };
  readonly diagnosis?: Diagnosis;
  /** Commands, in their order. */
  readonly next: readonly string[];
}

/**
 * Says whether everything is in place and what to do next, from nothing configured to the first call. Writes nothing to the service. Resolves with
 * the exit status: 1 where something is wrong, 2 where it could not be looked at, or not at all of it, else 0.
 */
export async function doctor(options: DoctorOptions): Promise<0 | 1 | 2> {
  const { operands, json, colour, out } = options;
  if (operands.length > 0) throw misuse(`'doctor' takes no operand, but got '${operands[0]}'.`);
  const report = await examine(options);
  out(json ? `${JSON.stringify(report, null, 2)}\n` : `${visible(page(report, terminal(colour)))}\n`);
  const { diagnosis } = report;
  if (diagnosis === undefined || diagnosis.window === null) return 2;
  if (diagnosis.problems.length > 0) return 1;
  return diagnosis.unknown.length > 0 ? 2 : 0;
}

async function examine({ configuration, surface, signal, progress }: DoctorOptions): Promise<Report> {
  progress("Reading the configuration");
  const unset = notConfigured(configuration);
  if (unset !== null) return unset;
  const sandbox = configuration.values.sandbox === true;
  try {
    const { read } = await surface.contexts({ signal, trail: openTrail() });
    progress(`Asking Azure for ${read.service}, its policies, backends, logs and metrics`);
    const diagnosis = await diagnose(read, {}, read.grammar, read.now());
    return { service: read.service, diagnosis, next: diagnosis.window === null ? again(sandbox) : firstCalls(configuration) };
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code === "cancelled" || error.code === "internal") throw error;
    const { message, details, hint } = error;
    return { service: null, failure: { message, details }, next: [...(hint === undefined ? [] : [hint]), ...again(sandbox)] };
  }
}

/** How to come to a service, where the configuration does not lead to one. */
function notConfigured(configuration: Configuration): Report | null {
  try {
    target(configuration);
    return null;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { message, details } = error;
    const isFirst = configuration.values.service === undefined && configuration.problems.length === 0;
    return {
      service: null,
      failure: { message, details: isFirst ? [] : details },
      next: isFirst
        ? [
            "az login",
            'az apim list --query "[].id" --output tsv',
            "export AIGW_SERVICE=<one of these ids>",
            ...again(false),
            "azure-ai-gateway-mcp demo  # without Azure",
          ]
        : again(false),
    };
  }
}

const again = (sandbox: boolean): readonly string[] => [`azure-ai-gateway-mcp doctor${sandbox ? " --sandbox" : ""}`];

function firstCalls({ values: { service, sandbox } }: Configuration): readonly string[] {
  const flag = sandbox ? " --sandbox" : "";
  const variable = sandbox || service === undefined ? "" : ` --env AIGW_SERVICE=${service}`;
  return [
    `azure-ai-gateway-mcp call list_subscriptions '{}'${flag}`,
    `claude mcp add azure-ai-gateway${variable} -- npx -y azure-ai-gateway-mcp${flag}`,
  ];
}

function page({ service, failure, diagnosis, next }: Report, style: Terminal): string {
  return [
    ...(service === null ? [] : [style.heading(service)]),
    ...(failure === undefined ? [] : [`${style.bad("x")} ${failure.message}`, ...failure.details.map((detail) => `    ${detail}`)]),
    ...(diagnosis === undefined ? [] : diagnosisLines(diagnosis, style)),
    "",
    style.heading("Next"),
    ...next.map((command) => `  ${command}`),
  ].join("\n");
}

function diagnosisLines({ cause, problems, unknown, ok, changed, notes }: Diagnosis, style: Terminal): readonly string[] {
  return [
    ...ok.map(({ check, remark }) => `${style.good("+")} ${check}${remark === undefined ? "" : style.muted(`  ${remark}`)}`),
    ...unknown.flatMap(({ checks, why, do: todo }) => [`${style.caution("?")} ${checks.join(", ")}`, `    ${why}`, `    ${todo}`]),
    ...problems.flatMap(({ check, seen, means, do: todo }) => [`${style.bad("x")} ${check}  ${seen}`, `    ${means}`, `    Do: ${todo}`]),
    "",
    cause.verdict,
    ...notes,
    ...changed.slice(-5).map(({ time, what }) => style.muted(`  ${time.slice(0, 16)}Z ${what}`)),
  ];
}
