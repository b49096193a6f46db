{{- define "seedcast.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "seedcast.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "seedcast.name" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{- define "seedcast.selector" -}}
app.kubernetes.io/name: seedcast
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "seedcast.labels" -}}
{{ include "seedcast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* A setting as text: Helm reads large whole numbers as floats, which would become 1e+06. */}}
{{- define "seedcast.text" -}}
{{- if kindIs "float64" . -}}
{{- if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end }}

{{/* All objects of one kind of worker. Takes what the Deployment and, if it scales, the ScaledObject take; "scaler": another template instead of that. */}}
{{- define "seedcast.worker" -}}
{{- $scaling := .worker.autoscaling | default dict -}}
{{- include "seedcast.deployment" . }}
{{- $most := ternary $scaling.maxReplicas .worker.replicas ($scaling.enabled | default false) }}
{{- if and .worker.podDisruptionBudget.enabled (gt (int $most) 1) }}
---
{{ include "seedcast.podDisruptionBudget" . }}
{{- end }}
{{- if $scaling.enabled }}
---
{{ include (.scaler | default "seedcast.scaledObject") . }}
{{- end }}
{{- end }}

{{/* How many workers run, in words. */}}
{{- define "seedcast.howMany" -}}
{{- with .autoscaling -}}
{{- if .enabled }}{{ .minReplicas }} to {{ .maxReplicas }}{{ else }}{{ $.replicas }}{{ end -}}
{{- end -}}
{{- end }}
