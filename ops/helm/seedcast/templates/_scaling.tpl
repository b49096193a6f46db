{{/* A ScaledObject of KEDA. Takes the same, "group" and "topics", and perhaps "waiting": a group and a topic whose lag keeps one worker and adds none.

"latest" is KEDA's alone: it takes a partition without a commit for a lag of 1, so that one worker starts and commits; with "earliest" for all of its log. */}}
{{- define "seedcast.scaledObject" -}}
{{- $root := .root -}}
{{- $scaling := .worker.autoscaling -}}
{{- $prefix := $root.Values.settings.SEEDCAST_KAFKA_PREFIX | default "seedcast" -}}
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
    {{- range .topics }}
    - type: kafka
      metadata:
        bootstrapServers: {{ $root.Values.settings.SEEDCAST_KAFKA_BOOTSTRAP | quote }}
        consumerGroup: {{ printf "%s.%s" $prefix $group }}
        topic: {{ printf "%s.%s" $prefix . }}
        lagThreshold: {{ $scaling.lagThreshold | quote }}
        offsetResetPolicy: latest
      {{- with $scaling.authenticationRef }}
      authenticationRef: {name: {{ . }}}
      {{- end }}
    {{- end }}
    {{- with .waiting }}
    - type: kafka
      metadata:
        bootstrapServers: {{ $root.Values.settings.SEEDCAST_KAFKA_BOOTSTRAP | quote }}
        consumerGroup: {{ printf "%s.%s" $prefix .group }}
        topic: {{ printf "%s.%s" $prefix .topic }}
        lagThreshold: "1000000000"
        offsetResetPolicy: latest
      {{- with $scaling.authenticationRef }}
      authenticationRef: {name: {{ . }}}
      {{- end }}
    {{- end }}
{{- end }}

{{/* A PodDisruptionBudget: a drained node takes one worker at a time. Takes what the Deployment takes. */}}
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
  unhealthyPodEvictionPolicy: AlwaysAllow # a pod that does not work keeps no node from being drained
  selector:
    matchLabels:
      {{- include "seedcast.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .kind }}
{{- end }}
