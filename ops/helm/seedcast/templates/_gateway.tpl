{{/* How others reach the gateways: a Service and, in front of it, an Ingress or an HTTPRoute. Each takes $. */}}

{{- define "seedcast.gatewayName" -}}
{{ include "seedcast.name" . }}-gateway
{{- end }}

{{- define "seedcast.gatewayPort" -}}
8080
{{- end }}

{{/* What leads to a gateway from outside: not /metrics, /live and /ready, which are nobody else's business. */}}
{{- define "seedcast.gatewayPaths" -}}
/v1: Prefix
/openapi.json: Exact
{{- if .Values.gateway.page }}
/: Exact
{{- range list "login" "logout" "static" "campaigns" "new" "voices" "hear" }}
/{{ . }}: Prefix
{{- end }}
{{- end }}
{{- end }}

{{/* Refuses what would leave a gateway without its databases, or a way in without a name. */}}
{{- define "seedcast.checkGateway" -}}
{{- $gateway := .Values.gateway -}}
{{- $form := "expected postgresql://USER@HOST/DATABASE, without a password" -}}
{{- if not $gateway.accounts.url }}
{{- fail (printf "gateway.accounts.url: %s: the database of keys, which is not the index; got nothing" $form) }}
{{- end }}
{{- if and .Values.settings.SEEDCAST_INDEX_URL (not $gateway.index.url) }}
{{- fail (printf "gateway.index.url: %s: the index, as a user who only reads; got nothing. settings.SEEDCAST_INDEX_URL is the indexers'" $form) }}
{{- end }}
{{- if hasKey $gateway.settings "SEEDCAST_INDEX_URL" }}
{{- fail "gateway.settings.SEEDCAST_INDEX_URL: the chart sets it; set gateway.index.url" }}
{{- end }}
{{- if and $gateway.index.passwordSecret (hasKey $gateway.settings "SEEDCAST_INDEX_PASSWORD_FILE") }}
{{- fail "gateway.settings.SEEDCAST_INDEX_PASSWORD_FILE: the chart sets it; leave it out, or leave gateway.index.passwordSecret empty" }}
{{- end }}
{{- if and $gateway.limitsPasswordSecret (hasKey $gateway.settings "SEEDCAST_GATEWAY_LIMITS_PASSWORD_FILE") }}
{{- fail "gateway.settings.SEEDCAST_GATEWAY_LIMITS_PASSWORD_FILE: the chart sets it; leave it out, or leave gateway.limitsPasswordSecret empty" }}
{{- end }}
{{- $scaling := $gateway.autoscaling -}}
{{- if and $scaling.enabled (lt (int $scaling.maxReplicas) (int $scaling.minReplicas)) }}
{{- fail (printf "gateway.autoscaling.maxReplicas: expected at least minReplicas, %v; got %v" $scaling.minReplicas $scaling.maxReplicas) }}
{{- end }}
{{- if and $scaling.enabled (not (($gateway.resources | default dict).requests | default dict).cpu) }}
{{- fail "gateway.resources.requests.cpu: expected a request, because autoscaling compares what pods use with it; got nothing" }}
{{- end }}
{{- if and $gateway.ingress.enabled (not $gateway.ingress.host) }}
{{- fail "gateway.ingress.host: expected the name by which clients reach the gateway, such as speech.example.org; got nothing" }}
{{- end }}
{{- if and $gateway.httpRoute.enabled (not $gateway.httpRoute.parentRefs) }}
{{- fail "gateway.httpRoute.parentRefs: expected the Gateway that takes the route, such as {name: public, namespace: edge}; got nothing" }}
{{- end }}
{{- end }}

{{- define "seedcast.gatewayService" -}}
{{- $service := .Values.gateway.service -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "seedcast.gatewayName" . | quote }}
  labels:
    {{- include "seedcast.labels" . | nindent 4 }}
    app.kubernetes.io/component: gateway
  {{- with $service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ $service.type }}
  selector:
    {{- include "seedcast.selector" . | nindent 4 }}
    app.kubernetes.io/component: gateway
  ports:
    - {name: http, port: {{ $service.port }}, targetPort: http, appProtocol: http}
{{- end }}

{{- define "seedcast.gatewayIngress" -}}
{{- $ingress := .Values.gateway.ingress -}}
{{- $service := dict "name" (include "seedcast.gatewayName" .) "port" (dict "name" "http") -}}
{{- $wait := .Values.gateway.settings.SEEDCAST_GATEWAY_WAIT | default (.Values.settings.SEEDCAST_GATEWAY_WAIT | default 60) -}}
{{- /* Those of ingress-nginx; other controllers ignore them. Its own are 1 MiB and 60 s. */ -}}
{{- $seconds := add (ceil $wait) 15 | toString -}}
{{- $nginx := dict "proxy-body-size" "2100m" "proxy-request-buffering" "off" "proxy-read-timeout" $seconds "proxy-send-timeout" $seconds -}}
{{- $annotations := deepCopy ($ingress.annotations | default dict) -}}
{{- range $name, $value := $nginx }}
{{- $annotations = merge $annotations (dict (printf "nginx.ingress.kubernetes.io/%s" $name) $value) }}
{{- end -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "seedcast.gatewayName" . | quote }}
  labels:
    {{- include "seedcast.labels" . | nindent 4 }}
    app.kubernetes.io/component: gateway
  annotations:
    {{- toYaml $annotations | nindent 4 }}
spec:
  {{- with $ingress.className }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  {{- with $ingress.tlsSecret }}
  tls:
    - {hosts: [{{ $ingress.host | quote }}], secretName: {{ . | quote }}}
  {{- end }}
  rules:
    - host: {{ $ingress.host | quote }}
      http:
        paths:
          {{- range $path, $type := include "seedcast.gatewayPaths" . | fromYaml }}
          - {path: {{ $path }}, pathType: {{ $type }}, backend: {service: {{ toJson $service }}}}
          {{- end }}
{{- end }}

{{- define "seedcast.gatewayRoute" -}}
{{- $route := .Values.gateway.httpRoute -}}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {{ include "seedcast.gatewayName" . | quote }}
  labels:
    {{- include "seedcast.labels" . | nindent 4 }}
    app.kubernetes.io/component: gateway
  {{- with $route.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs:
    {{- toYaml $route.parentRefs | nindent 4 }}
  {{- with $route.hostnames }}
  hostnames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
    - matches:
        {{- range $path, $type := include "seedcast.gatewayPaths" . | fromYaml }}
        - path: {type: {{ ternary "PathPrefix" "Exact" (eq $type "Prefix") }}, value: {{ $path }}}
        {{- end }}
      {{- with $route.timeout }}
      timeouts: {request: {{ . | quote }}}
      {{- end }}
      backendRefs:
        - {name: {{ include "seedcast.gatewayName" . | quote }}, port: {{ .Values.gateway.service.port }}}
{{- end }}
