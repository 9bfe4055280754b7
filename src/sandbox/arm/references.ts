import { attribute, descendants, type Element, namedValuesIn, type PolicyDocument, parse } from "../../policy/document.ts";
import { textAt } from "../json.ts";
import { holdsPolicy, nameOf, type Resource, type World } from "../world.ts";
import { poolMembers } from "./backends.ts";
import { levelOf, onOneLevel } from "./level.ts";

/** A name in a policy document that the service looks up when the document is stored. */
export interface Reference {
  readonly kind: "backend" | "fragment" | "logger" | "named_value";
  readonly id: string;
  readonly element: Element;
}

const lookups = [
  { element: "set-backend-service", attribute: "backend-id", kind: "backend" },
  { element: "include-fragment", attribute: "fragment-id", kind: "fragment" },
  { element: "log-to-eventhub", attribute: "logger-id", kind: "logger" },
] as const;

/** What the document at a path refers to, in the order of the text; values that an expression decides are left out. */
export function* referencesIn(world: World, path: string, document: PolicyDocument): Generator<Reference> {
  if (document.root === null) return;
  for (const element of descendants(document.root)) {
    for (const id of namedValuesOf(element)) yield { kind: "named_value", id, element };
    const lookup = lookups.find((candidate) => candidate.element === element.name);
    const id = lookup === undefined ? undefined : resolved(world, path, attribute(element, lookup.attribute));
    if (lookup !== undefined && id !== undefined) yield { kind: lookup.kind, id, element };
  }
}

function namedValuesOf(element: Element): readonly string[] {
  // Liquid has the same braces, for variables of its own.
  const isLiquid = element.name === "set-body" && attribute(element, "template") === "liquid";
  const texts = element.children.flatMap((child) => (child.type === "text" && !isLiquid ? [child.value.raw] : []));
  return [...new Set([...element.attributes.map(({ value }) => value.raw), ...texts].flatMap(namedValuesIn))];
}

/** A value with its named values put in; undefined where one is unknown or an expression decides. */
function resolved(world: World, path: string, value: string | undefined): string | undefined {
  const known = (name: string) => namedValue(world, name, path);
  if (value === undefined || !namedValuesIn(value).every((name) => known(name) !== undefined)) return undefined;
  const text = value.replace(/\{\{([\w.-]+)\}\}/g, (_, name: string) => textAt(known(name)?.properties ?? {}, "value") ?? "");
  return text === "" || text.trimStart().startsWith("@") ? undefined : text;
}

/** A named value by the name that the policy at a path uses, or one of the service itself: its display name, in its exact case. */
export const namedValue = (world: World, displayName: string, path = ""): Resource | undefined =>
  world.list(`${levelOf(path)}namedValues`).find(({ properties }) => properties.displayName === displayName);

/** Paths of the resources that use a backend, fragment or named value. */
export function usersOf(world: World, { path, properties }: Resource): readonly string[] {
  const [collection = "", id = ""] = path.slice(levelOf(path).length).split("/");
  const kind = ({ backends: "backend", policyFragments: "fragment", namedValues: "named_value" } as const)[collection];
  if (kind === undefined) return [];
  const used = kind === "named_value" ? properties.displayName : id.toLowerCase();
  const uses = (name: string): boolean => (kind === "named_value" ? name : name.toLowerCase()) === used;
  return world
    .all()
    .filter((user) => {
      if (!onOneLevel(user.path, path)) return false;
      if (holdsPolicy(user.path)) return policyReferences(world, user).some((found) => found.kind === kind && uses(found.id));
      return kind === "backend" && user.path !== path && poolMembers(user.properties).some(uses);
    })
    .map((user) => user.path);
}

const policyReferences = (world: World, { path, properties }: Resource): readonly Reference[] => [
  ...referencesIn(world, path, parse(textAt(properties, "value") ?? "")),
];

/** The target of a reference in the document at a path, where the service or its workspace has it. */
export function targetOf(world: World, path: string, { kind, id }: Reference): Resource | undefined {
  const level = levelOf(path);
  switch (kind) {
    case "backend":
      return world.get(`${level}backends/${id}`);
    case "fragment":
      return world.get(`${level}policyFragments/${id}`);
    case "logger":
      return world.get(`${level}loggers/${nameOf(id)}`);
    case "named_value":
      return namedValue(world, id, path);
  }
}
