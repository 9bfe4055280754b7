import type {
  ApiView,
  BackendView,
  BodyView,
  DeploymentView,
  ExpressionContext,
  LastErrorView,
  OperationView,
  ProductView,
  RequestView,
  ResponseView,
  SubscriptionView,
  UrlView,
  UserView,
} from "../context.ts";
import { type Type, type } from "./types.ts";
import { NetObject } from "./values.ts";

/** Something of `context` as a value: what `context.Variables["r"]` holds after `send-request` is a `ResponseValue`. */
abstract class View<V> extends NetObject {
  readonly view: V;

  constructor(view: V) {
    super();
    this.view = view;
  }

  override equals(other: unknown): boolean {
    return other instanceof View && other.view === this.view;
  }

  override get key(): unknown {
    return this.view;
  }
}

export class ContextValue extends View<ExpressionContext> {
  override readonly type: Type = type("IProxyRequestContext");
}

export class ApiValue extends View<ApiView> {
  override readonly type: Type = type("IContextApi");
}

export class KeyNamesValue extends View<ApiView["subscriptionKeyParameterNames"]> {
  override readonly type: Type = type("ISubscriptionKeyParameterNames");
}

export class OperationValue extends View<OperationView> {
  override readonly type: Type = type("IOperation");
}

export class ProductValue extends View<ProductView> {
  override readonly type: Type = type("IProduct");
}

export class SubscriptionValue extends View<SubscriptionView> {
  override readonly type: Type = type("ISubscription");
}

export class UserValue extends View<UserView> {
  override readonly type: Type = type("IUser");
}

export class DeploymentValue extends View<DeploymentView> {
  override readonly type: Type = type("IDeployment");
}

export class GatewayValue extends View<DeploymentView> {
  override readonly type: Type = type("IGateway");
}

export class BackendValue extends View<BackendView> {
  override readonly type: Type = type("IBackend");
}

export class UrlValue extends View<UrlView> {
  override readonly type: Type = type("IUrl");

  /** The whole address. Assumed: samples print it, and no page says how. */
  override toText(): string {
    const { scheme, host, port, path, queryString } = this.view;
    const isDefault = (scheme === "https" && port === 443) || (scheme === "http" && port === 80);
    return `${scheme}://${host}${isDefault ? "" : `:${port}`}${path}${queryString}`;
  }
}

export class RequestValue extends View<RequestView> {
  override readonly type: Type = type("IRequest");
}

export class ResponseValue extends View<ResponseView> {
  override readonly type: Type = type("IResponse");
}

export class BodyValue extends View<BodyView> {
  override readonly type: Type = type("IMessageBody");
}

export class LastErrorValue extends View<LastErrorView> {
  override readonly type: Type = type("ILastError");
}

/** What `validate-jwt` stores, and what `AsJwt()` reads: the token's header and claims, unverified. */
export interface JwtView {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

export class JwtValue extends View<JwtView> {
  override readonly type: Type = type("Jwt");
}
