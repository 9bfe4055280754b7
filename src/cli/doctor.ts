import { target } from "../config/target.ts";
import { type Configuration, readConfiguration, settings } from "../config.ts";
import { type Finding, ok, problem } from "../diagnose/check.ts";
import { type Diagnosis, diagnose, type Unknown } from "../diagnose/diagnose.ts";
import { GatewayError } from "../errors.ts";
import { openTrail } from "../mcp/audit.ts";
import type { Surface } from "../mcp/call.ts";
import { visible } from "../mcp/sanitize.ts";
import { misuse } from "./arguments.ts";
import { shellWord } from "./command-name.ts";
import { type Terminal, terminal } from "./terminal.ts";

interface Journal {
  /** Writes a record where changes are kept, and takes it away again; rejects where that cannot be. */
  readonly tryJournal: () => Promise<void>;
}

interface DoctorOptions {
  readonly configuration: Configuration;
  readonly surface: Pick<Surface, "contexts"> & Journal;
  /** The program as its user can run it again. */
  readonly program: string;
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
  /** What is asked in the place of Azure, by the variable that says so. */
  readonly endpoints?: Readonly<Record<string, string>>;
  /** Why it could not be looked at, where it could not. */
  readonly failure?: { readonly message: string; readonly details: readonly string[] };
  /** Whether changes can be written down; left out where none may be made. */
  readonly journal?: Finding;
  readonly diagnosis?: Diagnosis;
  /** Commands, in their order. */
  readonly next: readonly string[];
}

/**
 * Says whether everything is in place and what to do next, from nothing configured to the first call. Writes nothing to the service. Resolves with
 * the exit status: 1 where something is wrong, 2 where nothing is configured or not all of it could be looked at, else 0.
 */
export async function doctor(options: DoctorOptions): Promise<0 | 1 | 2> {
  const { operands, json, colour, out } = options;
  if (operands.length > 0) throw misuse(`'doctor' takes no operand, but got '${operands[0]}'.`);
  const report = await examine(options);
  out(json ? `${JSON.stringify(report, null, 2)}\n` : `${visible(page(report, terminal(colour)))}\n`);
  const { diagnosis, journal } = report;
  if (diagnosis === undefined) return 2;
  if (diagnosis.problems.length > 0 || journal?.status === "problem") return 1;
  return diagnosis.unknown.length > 0 ? 2 : 0;
}

async function examine({ configuration, surface, program, signal, progress }: DoctorOptions): Promise<Report> {
  progress("Reading the configuration");
  const again = [`${program} doctor${configuration.values.sandbox === true ? " --sandbox" : ""}`];
  const unset = notConfigured(configuration, program, again);
  if (unset !== null) return unset;
  try {
    const { read } = await surface.contexts({ signal, trail: openTrail() });
    progress(`Asking Azure for ${read.service}, its policies, backends, logs and metrics`);
    const diagnosis = withScope(await diagnose(read, {}, read.grammar, read.now()), configuration);
    const isClosed = diagnosis.window === null || diagnosis.unknown.some(({ checks }) => checks.includes("access"));
    const journal = configuration.values.readOnly === false ? { journal: await journalOf(surface) } : {};
    const next = isClosed ? [...otherService(diagnosis), ...again] : firstCalls(configuration, program);
    return { service: read.service, ...endpointsOf(configuration), ...journal, diagnosis, next };
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code === "cancelled" || error.code === "internal") throw error;
    const { message, details, hint } = error;
    return {
      service: null,
      ...endpointsOf(configuration),
      failure: { message, details },
      next: [...(hint === undefined ? [] : [hint]), ...again],
    };
  }
}

/** Every change is written down before it is made. */
async function journalOf({ tryJournal }: Journal): Promise<Finding> {
  try {
    await tryJournal();
    return ok();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return problem(
      error.message,
      "No change can be planned: what is to be changed is written down there first.",
      error.hint ?? "Set AIGW_STATE",
    );
  }
}

const serviceIds = ['az apim list --query "[].id" --output tsv', "export AIGW_SERVICE=<one of these ids>"];

/** Where Azure has no service of this id: how to find the one that is meant. */
const otherService = ({ problems }: Diagnosis): readonly string[] =>
  problems.some(({ check, do: todo }) => check === "access" && todo.includes("az apim list")) ? serviceIds : [];

/** How to come to a service, where the configuration does not lead to one. */
function notConfigured(configuration: Configuration, program: string, again: readonly string[]): Report | null {
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
      next: isFirst ? ["az login", ...serviceIds, ...again, `${program} demo  # without Azure`] : [...completed(configuration), ...again],
    };
  }
}

/** What sets each variable that is wrong; of a name without the rest of its address, the whole id in its place. */
function completed({ problems, values }: Configuration): readonly string[] {
  if (problems.length === 0) {
    const query = `[?name=='${values.service ?? ""}'].id`;
    return [`az apim list --query "${query}" --output tsv`, "export AIGW_SERVICE=<this id>"];
  }
  return problems.flatMap(({ setting: { env, find, placeholder = "VALUE" }, reason }) =>
    env === undefined ? [] : [...(find === undefined ? [] : [find]), `export ${env}=<${placeholder}>  # ${reason}`],
  );
}

function firstCalls(configuration: Configuration, program: string): readonly string[] {
  const flag = configuration.values.sandbox ? " --sandbox" : "";
  const variables = variablesOf(configuration).map((variable) => ` --env ${variable}`);
  return [
    `${program} call list_subscriptions '{}'${flag}`,
    `claude mcp add azure-ai-gateway${variables.join("")} -- npx -y azure-ai-gateway-mcp${flag}`,
  ];
}

/** What is set, as a shell hands it on. Secrets, and what is no plain text any more, are taken from the shell's own variables. */
function variablesOf({ values }: Configuration): readonly string[] {
  const unset: Configuration["values"] = readConfiguration({}, {}).values;
  const [given, others] = [new Map(Object.entries(values)), new Map(Object.entries(unset))];
  return settings.flatMap(({ name, env, azure, secret }) => {
    const value = given.get(name);
    if (env === undefined || value === undefined || JSON.stringify(value) === JSON.stringify(others.get(name))) return [];
    if (azure === true && values.sandbox === true) return [];
    if (secret === true || typeof value === "object" || typeof value === "number") return [`${env}="$${env}"`];
    return [`${env}=${shellWord(String(value))}`];
  });
}

function endpointsOf({ values: { sandbox, armEndpoint, logsEndpoint } }: Configuration): Pick<Report, "endpoints"> {
  if (sandbox === true || (armEndpoint === undefined && logsEndpoint === undefined)) return {};
  return {
    endpoints: {
      ...(armEndpoint === undefined ? {} : { AIGW_ARM_ENDPOINT: armEndpoint }),
      ...(logsEndpoint === undefined ? {} : { AIGW_LOGS_ENDPOINT: logsEndpoint }),
    },
  };
}

/** What a check calls the service where it could not read it: here its id is known. */
function withScope(diagnosis: Diagnosis, configuration: Configuration): Diagnosis {
  const found = target(configuration);
  if (found.kind === "sandbox") return diagnosis;
  const named = (text: string): string => text.replaceAll("<ARM id of the service>", found.resourceId);
  return { ...diagnosis, unknown: diagnosis.unknown.map(({ checks, why, do: todo }) => ({ checks, why: named(why), do: named(todo) })) };
}

function page({ service, endpoints = {}, failure, journal, diagnosis, next }: Report, style: Terminal): string {
  return [
    ...(service === null ? [] : [style.heading(service)]),
    ...Object.entries(endpoints).map(([variable, url]) => style.muted(`${variable}=${url}`)),
    ...(failure === undefined ? [] : [`${style.bad("x")} ${failure.message}`, ...failure.details.map((detail) => `    ${detail}`)]),
    ...(journal === undefined ? [] : journalLines(journal, style)),
    ...(diagnosis === undefined ? [] : diagnosisLines(diagnosis, style)),
    "",
    style.heading("Next"),
    ...next.map((command) => `  ${command}`),
  ].join("\n");
}

const journalLines = (journal: Finding, style: Terminal): readonly string[] =>
  journal.status === "problem" ? problemLines({ check: "journal", ...journal }, style) : [`${style.good("+")} journal`];

type Told = Pick<Diagnosis["problems"][number], "seen" | "means" | "do"> & { readonly check: string };

const problemLines = ({ check, seen, means, do: todo }: Told, style: Terminal): readonly string[] => [
  `${style.bad("x")} ${check}  ${seen}`,
  `    ${means}`,
  `    Do: ${todo}`,
];

function diagnosisLines({ cause, problems, unknown, ok, changed, notes }: Diagnosis, style: Terminal): readonly string[] {
  return [
    ...ok.map(({ check, remark }) => `${style.good("+")} ${check}${remark === undefined ? "" : style.muted(`  ${remark}`)}`),
    ...byRemedy(unknown).flatMap(({ checks, why, do: todo }) => [
      `${style.caution("?")} ${checks.join(", ")}`,
      `    ${why}`,
      `    ${todo}`,
    ]),
    ...problems.flatMap((one) => problemLines(one, style)),
    "",
    cause.verdict,
    ...((cause.failed?.unknown ?? 0) > 0
      ? [style.muted("  Not clear whose: neither logs nor metrics say whether the gateway, a backend or a client ended these calls.")]
      : []),
    ...notes.map((note) => `Note: ${note}`),
    ...changed.slice(-5).map(({ time, what }) => style.muted(`  ${time.slice(0, 16)}Z ${what}`)),
  ];
}

/** What one command mends, together: a role that is missing keeps many things from being read. */
function byRemedy(unknown: readonly Unknown[]): readonly Unknown[] {
  return [...new Set(unknown.map(({ do: todo }) => todo))].map((todo) => {
    const group = unknown.filter((one) => one.do === todo);
    return { checks: [...new Set(group.flatMap(({ checks }) => checks))], why: whyAll(group.map(({ why }) => why)), do: todo };
  });
}

function whyAll(reasons: readonly string[]): string {
  if (reasons.length === 1) return reasons.join("");
  const actions = reasons.map((reason) => /^No right to (\S+) on .+\.$/.exec(reason)?.[1]);
  return actions.includes(undefined) ? reasons.join(" ") : `No right to ${[...new Set(actions)].join(", ")}.`;
}
