import { missing } from "./conversions.ts";
import { compileScalar } from "./expressions.ts";
import { type Frame, gather, lazy, select } from "./frame.ts";
import { firstRows, groupBy, matchKeys } from "./groups.ts";
import type { Environment, Scalar, Scope, Table } from "./scalar.ts";
import { checkParameters, columnsOf, listOf, parameterOf, partOf, type SyntaxNode } from "./syntax.ts";
import { type Column, NotExecutable } from "./types.ts";

/** https://learn.microsoft.com/kusto/query/join-operator#returns */
const flavors: Readonly<
  Record<string, { readonly shows: "both" | "left" | "right"; readonly matched: boolean; readonly alone: readonly ("left" | "right")[] }>
> = {
  inner: { shows: "both", matched: true, alone: [] },
  innerunique: { shows: "both", matched: true, alone: [] },
  leftouter: { shows: "both", matched: true, alone: ["left"] },
  rightouter: { shows: "both", matched: true, alone: ["right"] },
  fullouter: { shows: "both", matched: true, alone: ["left", "right"] },
  leftsemi: { shows: "left", matched: true, alone: [] },
  rightsemi: { shows: "right", matched: true, alone: [] },
  anti: { shows: "left", matched: false, alone: ["left"] },
  leftanti: { shows: "left", matched: false, alone: ["left"] },
  leftantisemi: { shows: "left", matched: false, alone: ["left"] },
  rightanti: { shows: "right", matched: false, alone: ["right"] },
  rightantisemi: { shows: "right", matched: false, alone: ["right"] },
};

/**
 * Joins by equal keys. Assumed: a key that is null equals none, an empty text another; and the order of the rows, which the service
 * leaves open, is the left's.
 */
export function join(operator: SyntaxNode, left: Table, environment: Environment): Table {
  checkParameters(operator, ["kind"]);
  const kind = parameterOf(operator, "kind")?.toLowerCase() ?? "innerunique";
  const flavor = Object.hasOwn(flavors, kind) ? flavors[kind] : undefined;
  if (flavor === undefined) throw new NotExecutable(`join kind=${kind}`, operator);
  const right = environment.table(partOf(operator, "Expression"));
  const columns = columnsOf(operator);
  const keys = keysOf(partOf(operator, "ConditionClause"), left, right, environment);
  return {
    columns,
    rows(run) {
      const rightRows = right.rows(run);
      const allLeft = left.rows(run);
      const boundTo = (frame: Frame, side: "left" | "right") => keys.map((key) => key[side].bind(frame, run));
      const leftRows = kind === "innerunique" ? select(allLeft, firstRows(groupBy(boundTo(allLeft, "left"), allLeft.length))) : allLeft;
      const { first, next } = matchKeys(
        { keys: boundTo(leftRows, "left"), length: leftRows.length },
        { keys: boundTo(rightRows, "right"), length: rightRows.length },
      );
      const pairs = { left: [] as number[], right: [] as number[] };
      const matched = new Uint8Array(rightRows.length);
      for (let row = 0; row < leftRows.length; row++) {
        let other = first[row] ?? -1;
        if (other < 0 && flavor.alone.includes("left")) push(pairs, row, -1);
        for (; other >= 0; other = next[other] ?? -1) {
          matched[other] = 1;
          if (flavor.matched && flavor.shows !== "right") push(pairs, row, other);
          if (flavor.shows === "left") break;
        }
      }
      for (let row = 0; row < rightRows.length; row++) {
        if (matched[row] === 0 ? flavor.alone.includes("right") : flavor.matched && flavor.shows === "right") push(pairs, -1, row);
      }
      return joined(columns, flavor.shows === "right" ? null : leftRows, flavor.shows === "left" ? null : rightRows, pairs);
    },
  };
}

interface Pairs {
  readonly left: number[];
  readonly right: number[];
}

function push({ left, right }: Pairs, leftRow: number, rightRow: number): void {
  left.push(leftRow);
  right.push(rightRow);
}

/** Columns of the left, then of the right, under the names that the binder gives them. */
function joined(columns: readonly Column[], left: Frame | null, right: Frame | null, pairs: Pairs): Frame {
  const parts = [
    ...(left?.columns.map((column) => ({ column, rows: pairs.left })) ?? []),
    ...(right?.columns.map((column) => ({ column, rows: pairs.right })) ?? []),
  ];
  return {
    length: pairs.left.length,
    columns: columns.map((column, index) => {
      const part = parts[index];
      if (part === undefined) throw new RangeError(`no side of the join has column ${index}`);
      return { ...column, values: lazy(() => gather(part.column.values(), part.rows, missing(column.type))) };
    }),
    ingested: null,
  };
}

interface JoinKey {
  readonly left: Scalar;
  readonly right: Scalar;
}

/** `on Name` and `on $left.A == $right.B`, several of them with commas or `and`. */
function keysOf(clause: SyntaxNode, left: Table, right: Table, environment: Environment): readonly JoinKey[] {
  if (clause.kind !== "JoinOnClause") throw new NotExecutable(`'${clause.text}'`, clause);
  const scopeOf = ({ columns }: Table): Scope => ({ environment, columns, aggregate: null });
  return listOf(clause, "Expressions")
    .flatMap(conditions)
    .map((node) => {
      if (node.kind === "NameReference") return { left: compileScalar(node, scopeOf(left)), right: compileScalar(node, scopeOf(right)) };
      const sides = [partOf(node, "Left"), partOf(node, "Right")];
      const side = (name: string): SyntaxNode => {
        const found = sides.find((part) => part.kind === "PathExpression" && partOf(part, "Expression").text === name);
        if (found === undefined) throw new NotExecutable(`the condition '${node.text}'`, node);
        return partOf(found, "Selector");
      };
      return { left: compileScalar(side("$left"), scopeOf(left)), right: compileScalar(side("$right"), scopeOf(right)) };
    });
}

function conditions(node: SyntaxNode): readonly SyntaxNode[] {
  if (node.kind === "ParenthesizedExpression") return conditions(partOf(node, "Expression"));
  if (node.kind === "AndExpression") return [...conditions(partOf(node, "Left")), ...conditions(partOf(node, "Right"))];
  if (node.kind === "NameReference" || node.kind === "EqualExpression") return [node];
  throw new NotExecutable(`the condition '${node.text}'`, node);
}
