import { nearest } from "../../errors.ts";
import { allowedMembers } from "./allowed-types.ts";
import {
  contextMembers,
  enumerables,
  linqMembers,
  type Members,
  objectMembers,
  typeNames,
  undocumentedMembers,
} from "./context-members.ts";
import { dotnetMembers, staticMembers } from "./dotnet-members.ts";
import { type ExpressionFinding, error, warning } from "./finding.ts";

/** The type of a member, and what is to be said of its use. */
export interface MemberUse {
  readonly type: string;
  readonly finding: ExpressionFinding | null;
}

/** What a member was asked for. */
interface MemberQuery {
  readonly name: string;
  readonly offset: number;
  /** Whether it is called. */
  readonly called: boolean;
}

const unknown: MemberUse = { type: "?", finding: null };

/** A member of a value of the given type. */
export function instanceMember(type: string, { name, offset, called }: MemberQuery): MemberUse {
  const own = contextMembers[type];
  const members = own ?? dotnetMembers[type];
  if (members === undefined) return unknown;
  const all: Members = { ...objectMembers, ...(enumerables.has(type) ? linqMembers : {}), ...members };
  const found = all[called ? `${name}()` : name];
  if (found !== undefined) return { type: found, finding: null };
  const undocumented = undocumentedMembers[type]?.[called ? `${name}()` : name];
  if (undocumented !== undefined) {
    return { type: undocumented, finding: warning("expression-member", offset, notListed(name, type), "Use a documented member") };
  }
  // A method that is handed over, not called.
  if (!called && all[`${name}()`] !== undefined) return unknown;
  if (own === undefined) return { type: "?", finding: unlistedFrameworkMember(type, name, offset, all) };
  if (called && all[name] !== undefined) {
    const message = `Non-invocable member '${type}.${name}' cannot be used like a method.`;
    // Microsoft's own samples have it.
    return { type: "?", finding: warning("expression-member", offset, message, `Write ${name}[...] or ${name}`) };
  }
  return { type: "?", finding: error("expression-member", offset, noDefinition(type, name), suggestion(name, members)) };
}

/** A static member of a type, by its simple name. */
export function staticMember(simpleName: string, fullName: string, { name, offset, called }: MemberQuery): MemberUse {
  const allowed = allowedMembers(simpleName);
  const type = staticMembers[simpleName]?.[called ? `${name}()` : name] ?? "?";
  if (allowed === null || allowed.includes(name)) return { type, finding: null };
  const near = nearest(name, allowed, 1)[0];
  const fix = near === undefined ? `Allowed are ${allowed.join(", ")}` : `Write ${near}`;
  return { type, finding: warning("expression-member", offset, notListed(name, fullName), fix) };
}

/** What indexing a value of the type gives. */
export function elementType(type: string): string {
  return (contextMembers[type] ?? dotnetMembers[type])?.["[]"] ?? "?";
}

function unlistedFrameworkMember(type: string, name: string, offset: number, members: Members): ExpressionFinding {
  const [near] = nearest(name, memberNames(members), 1);
  // Other extension methods may be in reach: only what looks like a slip of the pen is certain.
  const isSlip = near !== undefined && near[0]?.toLowerCase() === name[0]?.toLowerCase() && Math.abs(near.length - name.length) <= 2;
  const found = isSlip ? error : warning;
  return found("expression-member", offset, noDefinition(type, name), near === undefined ? null : `Did you mean ${near}?`);
}

function suggestion(name: string, members: Members): string {
  const near = nearest(name, memberNames(members));
  return near.length === 0 ? `Known are ${memberNames(members).join(", ")}` : `Did you mean ${near.join(", ")}?`;
}

function memberNames(members: Members): readonly string[] {
  return Object.keys(members)
    .filter((key) => key !== "[]")
    .map((key) => key.replace("()", ""));
}

function noDefinition(type: string, name: string): string {
  return `'${typeNames[type] ?? type}' does not contain a definition for '${name}'`;
}

function notListed(name: string, type: string): string {
  return `Usage of member '${name}' of type '${type}' is not supported within expressions`;
}
