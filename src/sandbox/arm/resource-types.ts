import type { Json, JsonObject } from "../../gateway/documents.ts";
import { textAt } from "../json.ts";
import type { PolicyFormat } from "../policy-text.ts";
import { armId, holdsPolicy, type LongRunning, nameOf, type Resource, type World } from "../world.ts";
import { apiLinks, linkedApi } from "./api-links.ts";
import { acceptBackend, shownBackend } from "./backends.ts";
import { invalidFields } from "./errors.ts";
import { isSame, levelOf } from "./level.ts";
import { acceptPolicy, shownPolicy } from "./policies.ts";
import { newRevision } from "./revisions.ts";
import { writtenScope } from "./subscription-scope.ts";

export type Method = "HEAD" | "GET" | "PUT" | "PATCH" | "DELETE";

/** What a list shows: a path below the service and the resource's properties as read. */
export interface Item {
  readonly path: string;
  readonly properties: JsonObject;
}

/** A write on its way in: the properties as they would be stored, and what they would replace. */
interface Write {
  readonly world: World;
  readonly path: string;
  readonly properties: JsonObject;
  readonly before: JsonObject | null;
}

/** One kind of resource and what the management API lets one do with it. */
export interface ResourceType {
  /** Its collections from the service down, e.g. `products/policies`. */
  readonly collection: string;
  /** As ARM calls it in "... not found." */
  readonly noun: string;
  /** Of a single resource; the list can always be read. */
  readonly methods: readonly Method[];
  /** What `$filter` may compare. */
  readonly filterable?: readonly string[];
  readonly longRunning?: LongRunning;
  /** Deleted without a precondition; its HEAD shows no ETag. */
  readonly unconditional?: true;
  /** The only name that such a resource may have. */
  readonly onlyName?: string;
  /** Checks a write and fills in what the service adds; throws an `HttpError`. */
  accept?(write: Write): JsonObject;
  /** The properties as read: without secrets. */
  show?(properties: JsonObject, format: PolicyFormat): JsonObject;
  /** The list's items, where they are not the resources below the collection. */
  items?(world: World, collection: string): readonly Item[];
}

const entity: readonly Method[] = ["HEAD", "GET", "PUT", "PATCH", "DELETE"];
const document: readonly Method[] = ["HEAD", "GET", "PUT", "DELETE"];

/** Assumed: the wording; what is required is the specification's. */
function required(properties: JsonObject, names: readonly string[]): void {
  const fields = names
    .filter((name) => (properties[name] ?? "") === "")
    .map((target) => ({ target, message: `'${target}' must not be empty.` }));
  if (fields.length > 0) throw invalidFields(fields);
}

/** Takes a write that has these properties as it is. */
const requiring =
  (...names: readonly string[]) =>
  ({ properties }: Write): JsonObject => {
    required(properties, names);
    return properties;
  };

const without = (properties: JsonObject, secrets: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => !secrets.includes(name)));

const policyText = {
  methods: document,
  accept: ({ world, path, properties }: Write) => acceptPolicy(world, path, properties),
  show: shownPolicy,
};

const policy = { ...policyText, noun: "Policy", onlyName: "policy" };

const diagnostic = {
  noun: "Diagnostic",
  methods: entity,
  filterable: ["name"],
  accept: requiring("loggerId"),
};

const ownTypes: readonly ResourceType[] = [
  {
    collection: "apis",
    noun: "Api",
    methods: entity,
    filterable: ["name", "displayName", "description", "serviceUrl", "path", "isCurrent"],
    accept({ world, path, properties, before }) {
      required(properties, ["path"]);
      const revision = newRevision(world, path, properties);
      if (revision !== null) return revision;
      const kept = before === null ? {} : pick(before, ["apiRevision", "isCurrent"]);
      return { ...shownApi({ subscriptionRequired: true, ...kept }), ...properties };
    },
    show: shownApi,
  },
  {
    collection: "apis/operations",
    noun: "Operation",
    methods: entity,
    filterable: ["name", "displayName", "method", "description", "urlTemplate"],
    accept: requiring("displayName", "method", "urlTemplate"),
  },
  { collection: "apis/operations/policies", ...policy },
  { collection: "apis/policies", ...policy },
  { collection: "apis/diagnostics", ...diagnostic },
  {
    collection: "apis/products",
    noun: "Product",
    methods: [],
    filterable: ["name", "displayName", "description", "state"],
    items: (world, collection) =>
      world
        .list("products")
        .filter(({ path }) => world.get(`${path}/apis/${collection.split("/")[1]}`) !== undefined)
        .map(({ path, properties }) => ({ path: `${collection}/${nameOf(path)}`, properties })),
  },
  {
    collection: "products",
    noun: "Product",
    methods: entity,
    filterable: ["name", "displayName", "description", "state"],
    accept({ properties }) {
      required(properties, ["displayName"]);
      return { subscriptionRequired: true, state: "notPublished", ...properties };
    },
  },
  {
    collection: "products/apis",
    noun: "Api",
    methods: ["HEAD", "PUT", "DELETE"],
    unconditional: true,
    filterable: ["name", "displayName", "description", "serviceUrl", "path"],
    items: (world, collection) =>
      world.list(collection).flatMap((link) => {
        const api = world.get(`apis/${nameOf(link.path)}`);
        return api === undefined ? [] : [{ path: link.path, properties: shownApi(api.properties) }];
      }),
  },
  {
    collection: "products/apiLinks",
    noun: "ApiLink",
    methods: ["GET", "PUT", "DELETE"],
    filterable: ["apiId"],
    unconditional: true,
    items: apiLinks,
  },
  { collection: "products/policies", ...policy },
  {
    collection: "products/subscriptions",
    noun: "Subscription",
    methods: [],
    filterable: ["name", "displayName", "state"],
    items: (world, collection) =>
      world
        .list("subscriptions")
        .filter(({ properties }) => isScopedTo(properties, collection.slice(0, collection.lastIndexOf("/"))))
        .map(({ path, properties }) => ({ path: `${collection}/${nameOf(path)}`, properties: shownSubscription(properties) })),
  },
  {
    collection: "subscriptions",
    noun: "Subscription",
    methods: entity,
    filterable: ["name", "displayName", "stateComment", "ownerId", "scope", "state"],
    accept({ world, path, properties, before }) {
      required(properties, ["displayName", "scope"]);
      const filled = { state: "submitted", createdDate: world.now().toISOString() };
      const kept = before === null ? {} : pick(before, ["state", "createdDate"]);
      const scope = writtenScope(world, path, textAt(properties, "scope") ?? "", textAt(before ?? {}, "scope"));
      return { ...filled, ...kept, ...properties, scope };
    },
    show: shownSubscription,
  },
  {
    collection: "backends",
    noun: "Backend",
    methods: entity,
    filterable: ["name", "title", "url"],
    accept: ({ world, path, properties }) => acceptBackend(world, path, properties),
    show: shownBackend,
  },
  { collection: "policies", ...policy },
  {
    ...policyText,
    collection: "policyFragments",
    noun: "PolicyFragment",
    filterable: ["name", "description"],
    longRunning: "policyFragments",
  },
  {
    collection: "namedValues",
    noun: "NamedValue",
    methods: entity,
    filterable: ["name", "displayName"],
    longRunning: "namedValues",
    accept({ world, path, properties }) {
      required(properties, properties.keyVault === undefined ? ["displayName", "value"] : ["displayName"]);
      const others = world.list(`${levelOf(path)}namedValues`).filter((other) => !isSame(other.path, path));
      if (others.some((other) => other.properties.displayName === properties.displayName)) {
        throw invalidFields([{ target: "name", message: "Property with the same name already exist." }]);
      }
      return { secret: false, ...properties };
    },
    show: (properties) => (properties.secret === true ? without(properties, ["value"]) : properties),
  },
  {
    collection: "loggers",
    noun: "Logger",
    methods: entity,
    filterable: ["name", "loggerType", "description"],
    accept: requiring("loggerType"),
  },
  { collection: "diagnostics", ...diagnostic },
  { collection: "caches", noun: "Cache", methods: entity },
  { collection: "certificates", noun: "Certificate", methods: document, show: (properties) => without(properties, ["data", "password"]) },
  // Self-hosted ones: the service's own are in none of its lists.
  { collection: "gateways", noun: "Gateway", methods: entity, filterable: ["name", "region", "description"] },
  {
    collection: "allPolicies",
    noun: "Policy",
    methods: [],
    items: (world) =>
      world
        .all()
        .filter(({ path }) => holdsPolicy(path) && nameOf(path) === "policy")
        .map(({ path }, index) => ({
          path: `allPolicies/allPolicies${index + 1}`,
          properties: { referencePolicyId: armId(path), complianceState: "Compliant" },
        })),
  },
];

/** What the service has by itself that each of its workspaces has too. */
const inWorkspaces = [
  "apis",
  "apis/operations",
  "apis/operations/policies",
  "apis/policies",
  "apis/diagnostics",
  "products",
  "products/policies",
  "subscriptions",
  "backends",
  "policies",
  "policyFragments",
  "namedValues",
  "loggers",
  "diagnostics",
];

export const resourceTypes: readonly ResourceType[] = [
  ...ownTypes,
  {
    collection: "workspaces",
    noun: "Workspace",
    methods: entity,
    filterable: ["name", "displayName", "description"],
    accept: requiring("displayName"),
  },
  ...ownTypes
    .filter(({ collection }) => inWorkspaces.includes(collection))
    .map((type) => ({ ...type, collection: `workspaces/${type.collection}` })),
  {
    collection: "workspaces/products/apiLinks",
    noun: "ApiLink",
    methods: ["GET", "PUT", "DELETE"],
    filterable: ["apiId"],
    unconditional: true,
    accept({ world, path, properties }) {
      linkedApi(world, path, textAt(properties, "apiId") ?? "");
      return properties;
    },
  },
];

/** An API of which nothing else is said is the current one of its revisions. */
export function shownApi(properties: JsonObject): JsonObject {
  return { apiRevision: "1", isCurrent: true, ...properties };
}

function shownSubscription(properties: JsonObject): JsonObject {
  return without(properties, ["primaryKey", "secondaryKey"]);
}

function pick(properties: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.flatMap((name): [string, Json][] => (properties[name] === undefined ? [] : [[name, properties[name]]])));
}

const isScopedTo = (properties: JsonObject, path: string): boolean =>
  textAt(properties, "scope")?.toLowerCase().endsWith(`/${path.toLowerCase()}`) ?? false;

/** The properties of a resource as a reader gets them. */
export const shown = (type: ResourceType, { properties }: Resource, format: PolicyFormat): JsonObject =>
  type.show?.(properties, format) ?? properties;
