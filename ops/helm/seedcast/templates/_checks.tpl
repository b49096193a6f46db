{{/* Refuses values that would fail silently, or only when a pod starts. Takes (dict "root" $ "place" "gpuConsumer" "worker" .Values.gpuConsumer). */}}
{{- define "seedcast.checkWorker" -}}
{{- $common := .root.Values.settings -}}
{{- $place := .place -}}
{{- $own := .worker.settings -}}
{{- include "seedcast.checkSettings" (dict "root" .root "place" (printf "%s.settings" $place) "settings" $own) -}}
{{- range $variable, $value := $own }}
{{- if hasKey $common $variable }}
{{- $mine := include "seedcast.text" $value }}
{{- $theirs := include "seedcast.text" (get $common $variable) }}
{{- if ne $mine $theirs }}
{{- $told := "settings.%s: expected nothing, or %s as in %s.settings; got %s. A worker's own settings override these: set it there" }}
{{- fail (printf $told $variable $mine $place $theirs) }}
{{- end }}
{{- end }}
{{- end }}
{{- $taken := merge (dict "HOME" "" "USER" "" "NUMBA_CACHE_DIR" "") (include "seedcast.owned" .root | fromYaml) $common $own }}
{{- range .worker.extraEnv }}
{{- if hasKey $taken .name }}
{{- fail (printf "%s.extraEnv: expected names that nothing else sets; got %s, which the chart or its settings set" $place .name) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Takes (dict "root" $ "place" "settings" "settings" .Values.settings). */}}
{{- define "seedcast.checkSettings" -}}
{{- $owned := include "seedcast.owned" .root | fromYaml -}}
{{- $place := .place -}}
{{- range $variable, $_ := .settings }}
{{- if hasKey $owned $variable }}
{{- fail (printf "%s.%s: the chart sets it; %s" $place $variable (get $owned $variable)) }}
{{- end }}
{{- if regexMatch "_(PASSWORD|SECRET_KEY|ACCESS_KEY|SESSION_TOKEN|DIGEST_KEY|WEBHOOKS_KEY)$" $variable }}
{{- fail (printf "%s.%s: everyone who can see the release can read its settings; put it into the Secret that existingSecret names" $place $variable) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Variables that no setting may name, and what to do instead. */}}
{{- define "seedcast.owned" -}}
SEEDCAST_HOME: leave it out
SEEDCAST_METRICS_HOST: leave it out
SEEDCAST_METRICS_PORT: set metrics.port
SEEDCAST_GATEWAY_HOST: leave it out
SEEDCAST_GATEWAY_PORT: leave it out; gateway.service.port is the one that clients see
SEEDCAST_GATEWAY_REPLICAS: set gateway.replicas, or gateway.autoscaling.minReplicas
SEEDCAST_ACCOUNTS_URL: set gateway.accounts.url
{{- if .Values.gateway.accounts.passwordSecret }}
SEEDCAST_ACCOUNTS_PASSWORD_FILE: leave it out, or leave gateway.accounts.passwordSecret empty
{{- end }}
{{- if .Values.profiles }}
SEEDCAST_POSTPROCESS_PROFILES: leave it out, or leave profiles empty
{{- end }}
{{- if .Values.indexPasswordSecret }}
SEEDCAST_INDEX_PASSWORD_FILE: leave it out, or leave indexPasswordSecret empty
{{- end }}
{{- if .Values.lexicon }}
SEEDCAST_LEXICON: leave it out, or leave lexicon empty
{{- end }}
{{- end }}

{{/* Kubernetes kills a pod that has not stopped within its grace period. Takes (dict "place" "gpuConsumer" "worker" .Values.gpuConsumer "least" 40 "why" "…"). */}}
{{- define "seedcast.checkGrace" -}}
{{- $given := .worker.terminationGracePeriodSeconds -}}
{{- if lt (float64 $given) (float64 .least) }}
{{- fail (printf "%s.terminationGracePeriodSeconds: expected at least %v, %s; got %v" .place .least .why $given) }}
{{- end }}
{{- end }}
