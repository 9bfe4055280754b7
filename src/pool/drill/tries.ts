import { triesHeader } from "../../gateway/drill.ts";
import { childElements, descendants, type Element, parse } from "../../policy/document.ts";
import { appendChild, applyEdits, type Edit, insertAfter, insertBefore } from "../../policy/edit.ts";

/** What one call of the gateway to a backend came to. */
export interface Try {
  /** Null where the gateway got no answer, or an expression did not come to tell it. */
  readonly status: number | null;
  /** `x-ms-region` of the answer; null where it has none. */
  readonly region: string | null;
}

const variable = "drill-tries";
const soFar = `context.Variables.GetValueOrDefault<string>("${variable}", "")`;

/** Begins a try; what came of it follows behind its answer. */
const before = `<set-variable name="${variable}" value="@(${soFar} + ",")" />`;
const after = `<set-variable name="${variable}" value="@(${soFar} + (context.Response == null ? "" : context.Response.StatusCode.ToString() + " " + context.Response.Headers.GetValueOrDefault("x-ms-region", "")))" />`;
const told = `<set-header name="${triesHeader}" exists-action="override"><value>@(${soFar})</value></set-header>`;

/**
 * A policy of a rehearsal's revision whose answers tell what each try came to, so that a retry hides none of them. As it is where it has no
 * `forward-request` within another policy: `<backend>` itself takes one policy only, and a single try is what the caller sees.
 */
export function withTries(text: string): string {
  const document = parse(text);
  const { root } = document;
  if (root === null || document.problems.length > 0) return text;
  const calls = [...childElements(root, "backend")].flatMap((section) =>
    [...descendants(section)].filter(({ name, parent }) => name === "forward-request" && parent !== section),
  );
  if (calls.length === 0) return text;
  const around = calls.flatMap((call) => [insertBefore(document, call, before), insertAfter(document, call, after)]);
  const marked = applyEdits(document.source, around);
  return ["outbound", "on-error"].reduce(withMark, marked);
}

/** A section that is left out inherits: one that is put there has to say so. */
function withMark(text: string, name: string): string {
  const document = parse(text);
  const { root } = document;
  if (root === null) return text;
  const [section] = childElements(root, name);
  const edit = section === undefined ? appendChild(document, root, whole(name)) : inSection(document, section);
  return applyEdits(document.source, [edit]);
}

const whole = (name: string): string => `<${name}>\n    <base />\n    ${told}\n</${name}>`;

const inSection = (document: ReturnType<typeof parse>, section: Element): Edit => appendChild(document, section, told);

/** The tries that an answer's header tells; undefined where it tells none. */
export function triesIn(header: string | null): readonly Try[] | undefined {
  if (header === null || !header.startsWith(",")) return undefined;
  return header
    .slice(1)
    .split(",")
    .map((entry) => {
      const [, status, region = ""] = /^(\d{3}) ?(.*)$/.exec(entry.trim()) ?? [];
      return { status: status === undefined ? null : Number(status), region: region === "" ? null : region };
    });
}
