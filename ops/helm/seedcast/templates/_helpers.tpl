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
app.kubernetes.io/instance: {{ .Release.Name }}
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

{{/* A Deployment. Takes (dict "root" $ "kind" "gpu-consumer" "worker" .Values.gpuConsumer). */}}
{{- define "seedcast.deployment" -}}
{{- $root := .root -}}
{{- $worker := .worker -}}
{{- $name := printf "%s-%s" (include "seedcast.name" $root) .kind -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "seedcast.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .kind }}
spec:
  {{- if not $worker.autoscaling.enabled }}
  replicas: {{ $worker.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "seedcast.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .kind }}
  template:
    metadata:
      labels:
        {{- include "seedcast.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .kind }}
      annotations:
        checksum/settings: {{ include (print $root.Template.BasePath "/configmap.yaml") $root | sha256sum }}
        {{- with $worker.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "seedcast.serviceAccount" $root }}
      automountServiceAccountToken: false
      enableServiceLinks: false # a Service named seedcast-… would become unknown SEEDCAST_ variables
      terminationGracePeriodSeconds: {{ $worker.terminationGracePeriodSeconds }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: {{ .kind }}
          image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [run, {{ .kind }}]
          envFrom:
            - configMapRef: {name: {{ include "seedcast.name" $root }}}
            {{- with $root.Values.existingSecret }}
            - secretRef: {name: {{ . }}}
            {{- end }}
          env:
            {{- range $variable, $value := $worker.settings }}
            - {name: {{ $variable }}, value: {{ include "seedcast.text" $value | quote }}}
            {{- end }}
            - {name: NUMBA_CACHE_DIR, value: /tmp}
          ports:
            - {name: metrics, containerPort: {{ $root.Values.metrics.port }}}
          startupProbe:
            httpGet: {path: /live, port: metrics}
            periodSeconds: 5
            failureThreshold: 60
          readinessProbe: # engine loaded, voice lock passed, partitions may be assigned: a rollout waits for it
            httpGet: {path: /ready, port: metrics}
            periodSeconds: 5
            timeoutSeconds: 5
          livenessProbe: # a worker that hangs is ended by its own watchdog
            httpGet: {path: /live, port: metrics}
            periodSeconds: 20
            timeoutSeconds: 5
          resources:
            {{- $resources := deepCopy ($worker.resources | default dict) }}
            {{- if $worker.gpus }}
            {{- $_ := set $resources "limits" (merge (dict "nvidia.com/gpu" $worker.gpus) ($resources.limits | default dict)) }}
            {{- end }}
            {{- toYaml $resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- if $root.Values.profiles }}
            - {name: profiles, mountPath: /etc/seedcast/profiles, readOnly: true}
            {{- end }}
            {{- if $root.Values.tlsSecret }}
            - {name: tls, mountPath: /etc/seedcast/tls, readOnly: true}
            {{- end }}
      volumes:
        - {name: tmp, emptyDir: {}}
        {{- if $root.Values.profiles }}
        - {name: profiles, configMap: {name: {{ include "seedcast.name" $root }}-profiles}}
        {{- end }}
        {{- with $root.Values.tlsSecret }}
        - {name: tls, secret: {secretName: {{ . }}}}
        {{- end }}
      {{- with $worker.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $worker.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $worker.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}

{{/* A ScaledObject of KEDA. Takes the same, "group" and "topics", and perhaps "waiting": a group and a topic whose lag keeps one worker and adds none. */}}
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
  triggers:
    {{- range .topics }}
    - type: kafka
      metadata:
        bootstrapServers: {{ $root.Values.settings.SEEDCAST_KAFKA_BOOTSTRAP | quote }}
        consumerGroup: {{ printf "%s.%s" $prefix $group }}
        topic: {{ printf "%s.%s" $prefix . }}
        lagThreshold: {{ $scaling.lagThreshold | quote }}
        offsetResetPolicy: earliest
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
        offsetResetPolicy: earliest
      {{- with $scaling.authenticationRef }}
      authenticationRef: {name: {{ . }}}
      {{- end }}
    {{- end }}
{{- end }}
