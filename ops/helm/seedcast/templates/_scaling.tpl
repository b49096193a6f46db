{{/* A ScaledObject of KEDA. Takes what the Deployment takes, "group" and "topics", and optionally "wanted": a query of Prometheus that gives a number of pods.

KEDA takes the largest number that a trigger asks for. There is no fallback: while Prometheus gives no answer, running pods stay as many as they are, and from
zero KEDA's fallback would start none (keda#7239), but the lag does.

The policy "latest" concerns only KEDA. With it a partition without a commit counts as a lag of 1, so that one worker starts and commits; with "earliest" its whole log counts. */}}
{{- define "seedcast.scaledObject" -}}
{{- $root := .root -}}
{{- $scaling := .worker.autoscaling -}}
{{- $prefix := include "seedcast.text" ($root.Values.settings.SEEDCAST_KAFKA_PREFIX | default "seedcast") -}}
{{- $group := .group -}}
{{- $name := printf "%s-%s" (include "seedcast.name" $root) .kind -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ $name }}
  labels:
    {{- include "seedcast.labels" $root | nindent 4 }}
spec:
  scaleTargetRef: {name: {{ $name }}}
  minReplicaCount: {{ $scaling.minReplicas }}
  maxReplicaCount: {{ $scaling.maxReplicas }}
  pollingInterval: {{ $scaling.pollingInterval }}
  cooldownPeriod: {{ $scaling.cooldownPeriod }}
  {{- with $scaling.advanced }}
  advanced:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  triggers:
    {{- with .wanted }}
    - type: prometheus
      metricType: AverageValue # of all pods: with the threshold 1 the answer is their number
      metadata:
        serverAddress: {{ $scaling.prometheus.serverAddress | quote }}
        query: {{ . | quote }}
        threshold: "1"
        ignoreNullValues: "false" # no active feeder is not the same as no work
      {{- with $scaling.prometheus.authenticationRef }}
      authenticationRef: {name: {{ . | quote }}}
      {{- end }}
    {{- end }}
    {{- range .topics }}
    - type: kafka
      metadata:
        bootstrapServers: {{ $root.Values.settings.SEEDCAST_KAFKA_BOOTSTRAP | quote }}
        consumerGroup: {{ printf "%s.%s" $prefix $group | quote }}
        topic: {{ printf "%s.%s" $prefix . | quote }}
        lagThreshold: {{ $scaling.lagThreshold | quote }}
        offsetResetPolicy: latest
      {{- with $scaling.authenticationRef }}
      authenticationRef: {name: {{ . | quote }}}
      {{- end }}
    {{- end }}
{{- end }}

{{/* A HorizontalPodAutoscaler, by the CPU that pods use of what they request. Takes what the Deployment takes. */}}
{{- define "seedcast.horizontalPodAutoscaler" -}}
{{- $root := .root -}}
{{- $scaling := .worker.autoscaling -}}
{{- $name := printf "%s-%s" (include "seedcast.name" $root) .kind -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  labels:
    {{- include "seedcast.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .kind }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ $name }}}
  minReplicas: {{ $scaling.minReplicas }}
  maxReplicas: {{ $scaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ $scaling.cpu }}}
  {{- with $scaling.behavior }}
  behavior:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* A PodDisruptionBudget: draining nodes stops one worker at a time. Takes what the Deployment takes. */}}
{{- define "seedcast.podDisruptionBudget" -}}
{{- $root := .root -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ printf "%s-%s" (include "seedcast.name" $root) .kind }}
  labels:
    {{- include "seedcast.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .kind }}
spec:
  maxUnavailable: {{ .worker.podDisruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow # a broken pod does not prevent draining its node
  selector:
    matchLabels:
      {{- include "seedcast.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .kind }}
{{- end }}
