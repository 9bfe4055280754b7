import { textAt } from "../json.ts";
import { sandboxService } from "../service.ts";
import { nameOf, type Resource, type World } from "../world.ts";
import { type Admission, keyNames } from "./admission.ts";
import type { CallParts } from "./call.ts";
import type { ApiView, OperationView, ProductView, SubscriptionView, UserView } from "./context.ts";
import { subscriptionKeys } from "./keys.ts";
import { urlView } from "./messages.ts";
import type { GatewayInstance } from "./policy.ts";
import type { Route, RoutedApi, RoutedOperation } from "./routing.ts";

/** What expressions see of where a call belongs and who makes it. */
export function factsOf(
  world: World,
  instance: GatewayInstance,
  route: Route | null,
  { subscription, product }: Admission,
  received: { readonly url: URL; readonly address: string },
): CallParts["facts"] {
  return {
    api: route === null ? noApi : apiView(route.api),
    operation: route?.operation == null ? null : operationView(route.operation),
    product: product === null ? null : productView(product),
    subscription: subscription === null ? null : subscriptionView(world, subscription),
    user: subscription === null ? null : ownerOf(world, subscription),
    deployment: {
      region: instance.region,
      serviceName: sandboxService.name,
      serviceId: sandboxService.name,
      // What the service calls the gateway that it runs itself.
      gatewayId: "managed",
    },
    tracing: false,
    originalUrl: urlView(received.url),
    ipAddress: received.address,
    matchedParameters: route?.parameters ?? new Map(),
  };
}

/** What expressions see where the URL belongs to no API: they run in the global `<on-error>` only. */
const noApi: ApiView = {
  id: "",
  name: "",
  path: "",
  revision: "",
  version: null,
  serviceUrl: null,
  isCurrentRevision: false,
  subscriptionKeyParameterNames: { header: "", query: "" },
};

function apiView(api: RoutedApi): ApiView {
  const { properties } = api.resource;
  const serviceUrl = serviceUrlOf(api);
  return {
    id: api.id,
    name: textAt(properties, "displayName") ?? api.id,
    path: textAt(properties, "path") ?? "",
    revision: api.revision,
    version: api.version,
    serviceUrl: serviceUrl === null ? null : urlView(serviceUrl),
    isCurrentRevision: api.isCurrent,
    subscriptionKeyParameterNames: keyNames(api),
  };
}

/** The API's own backend; null where it has none. */
export function serviceUrlOf({ resource }: RoutedApi): URL | null {
  const url = textAt(resource.properties, "serviceUrl") ?? "";
  return /^https?:/i.test(url) && URL.canParse(url) ? new URL(url) : null;
}

const operationView = ({ id, resource: { properties }, template }: RoutedOperation): OperationView => ({
  id,
  name: textAt(properties, "displayName") ?? id,
  method: template.method,
  urlTemplate: template.text,
});

const productView = ({ path, properties }: Resource): ProductView => ({
  id: nameOf(path),
  name: textAt(properties, "displayName") ?? nameOf(path),
  subscriptionRequired: properties.subscriptionRequired !== false,
});

function subscriptionView(world: World, { path, properties }: Resource): SubscriptionView {
  const { primary, secondary } = subscriptionKeys(world.secret, nameOf(path));
  const created = Date.parse(textAt(properties, "createdDate") ?? "");
  return {
    id: nameOf(path),
    name: textAt(properties, "displayName") ?? nameOf(path),
    createdDate: Number.isNaN(created) ? world.now() : new Date(created),
    primaryKey: primary,
    secondaryKey: secondary,
  };
}

function ownerOf(world: World, { properties }: Resource): UserView | null {
  const id = nameOf(textAt(properties, "ownerId") ?? "");
  if (id === "") return null;
  const user = world.get(`users/${id}`)?.properties ?? {};
  return { id, email: textAt(user, "email") ?? "", firstName: textAt(user, "firstName") ?? "", lastName: textAt(user, "lastName") ?? "" };
}
