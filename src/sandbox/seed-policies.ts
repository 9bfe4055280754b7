/** Policies of the demo service, written the way real ones are: raw quotes in expressions, `<base />`, a fragment, a named value. */

export const globalPolicy = `<policies>
    <inbound />
    <backend>
        <forward-request />
    </backend>
    <outbound />
    <on-error />
</policies>`;

/** `prod-critical` has limits of its own; every other subscription of the product shares the numbers, not the counter. */
export const productPolicy = `<policies>
    <inbound>
        <base />
        <choose>
            <when condition="@(context.Subscription.Id == "prod-critical")">
                <rate-limit-by-key calls="3000" renewal-period="60" counter-key="@(context.Subscription.Id)" />
                <llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="500000" estimate-prompt-tokens="false" remaining-tokens-header-name="x-ratelimit-remaining-tokens" />
            </when>
            <otherwise>
                <llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="200000" estimate-prompt-tokens="false" remaining-tokens-header-name="x-ratelimit-remaining-tokens" />
            </otherwise>
        </choose>
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>`;

export const trialPolicy = `<policies>
    <inbound>
        <base />
        <!-- Experiments share the deployments with production: keep this low. -->
        <llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="20000" estimate-prompt-tokens="true" />
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>`;

export const apiPolicy = `<policies>
    <inbound>
        <base />
        <include-fragment fragment-id="aoai-auth" />
        <set-backend-service backend-id="aoai-pool" />
        <llm-emit-token-metric namespace="ai-gateway">
            <dimension name="Subscription ID" />
            <dimension name="API ID" />
            <dimension name="Team" value="@(context.Subscription?.Name ?? "none")" />
        </llm-emit-token-metric>
    </inbound>
    <backend>
        <retry condition="@(context.Response == null || context.Response.StatusCode == 429 || context.Response.StatusCode >= 500)" count="1" interval="0" first-fast-retry="true">
            <forward-request buffer-request-body="true" />
        </retry>
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>`;

export const authenticationFragment = `<fragment>
    <!-- The gateway signs in to Azure OpenAI with its own identity; callers never see a model's key. -->
    <authentication-managed-identity resource="https://{{openai-resource}}" output-token-variable-name="openai-token" ignore-error="false" />
    <set-header name="Authorization" exists-action="override">
        <value>@("Bearer " + (string)context.Variables["openai-token"])</value>
    </set-header>
</fragment>`;
