{{/* A Deployment. Takes (dict "root" $ "kind" "gpu-consumer" "worker" .Values.gpuConsumer), and optionally

"passwords": Secrets with the passwords of databases and Redis, by the settings' section; "environment": further variables; "http": a port that others call, which
gets new connections for "preStop" seconds after the pod was told to end. */}}
{{- define "seedcast.deployment" -}}
{{- $root := .root -}}
{{- $worker := .worker -}}
{{- $strategy := $worker.strategy -}}
{{- if and $worker.gpus (not $strategy) }}
{{- /* With more pods than GPUs, the last pod would wait for a GPU for ever, and the rollout with it. */}}
{{- $strategy = dict "type" "RollingUpdate" "rollingUpdate" (dict "maxSurge" 0 "maxUnavailable" 1) }}
{{- end -}}
{{- $name := printf "%s-%s" (include "seedcast.name" $root) .kind -}}
{{- $passwords := dict -}}
{{- range $section, $secret := .passwords }}
{{- if $secret }}{{ $_ := set $passwords $section $secret }}{{ end }}
{{- end -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "seedcast.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .kind }}
spec:
  {{- if not ($worker.autoscaling | default dict).enabled }}
  replicas: {{ $worker.replicas }}
  {{- end }}
  {{- with $strategy }}
  strategy:
    {{- toYaml . | nindent 4 }}
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
      serviceAccountName: {{ include "seedcast.serviceAccount" $root | quote }}
      automountServiceAccountToken: false
      enableServiceLinks: false # a Service named seedcast-… would become unknown SEEDCAST_ variables
      terminationGracePeriodSeconds: {{ $worker.terminationGracePeriodSeconds }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $worker.runtimeClassName }}
      runtimeClassName: {{ . | quote }}
      {{- end }}
      {{- with $worker.priorityClassName }}
      priorityClassName: {{ . | quote }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: {{ .kind }}
          image: "{{ $root.Values.image.repository }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}"
          imagePullPolicy: {{ $root.Values.image.pullPolicy | quote }}
          args: [run, {{ .kind }}]
          envFrom:
            - configMapRef: {name: {{ include "seedcast.name" $root | quote }}}
            {{- with $root.Values.existingSecret }}
            - secretRef: {name: {{ . | quote }}}
            {{- end }}
          env:
            {{- range $variable, $value := $worker.settings }}
            - {name: {{ $variable }}, value: {{ include "seedcast.text" $value | quote }}}
            {{- end }}
            {{- range $variable, $value := .environment }}
            - {name: {{ $variable }}, value: {{ $value | quote }}}
            {{- end }}
            {{- range $section, $_ := $passwords }}
            - {name: SEEDCAST_{{ $section | upper | replace "-" "_" }}_PASSWORD_FILE, value: /etc/seedcast/{{ $section }}/password}
            {{- end }}
            - {name: NUMBA_CACHE_DIR, value: /tmp}
            - {name: HOME, value: /tmp} # torch and Triton cache below it
            - {name: USER, value: seedcast} # torch needs a user name, which the uid of another image may lack
            {{- with $worker.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - {name: metrics, containerPort: {{ $root.Values.metrics.port }}}
            {{- with .http }}
            - {name: http, containerPort: {{ . }}}
            {{- end }}
          {{- with .preStop }}
          lifecycle: # a pod that ends takes no new connection, and proxies learn some seconds later that it ends
            preStop: {sleep: {seconds: {{ . }}}}
          {{- end }}
          startupProbe:
            httpGet: {path: /live, port: metrics}
            periodSeconds: 5
            failureThreshold: 60
          readinessProbe: # engine loaded, voice lock passed, ready to be assigned partitions: a rollout waits for this
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
            {{- range $file := list "profiles" "lexicon" }}
            {{- if get $root.Values $file }}
            - {name: {{ $file }}, mountPath: /etc/seedcast/{{ $file }}, readOnly: true}
            {{- end }}
            {{- end }}
            {{- if $root.Values.tlsSecret }}
            - {name: tls, mountPath: /etc/seedcast/tls, readOnly: true}
            {{- end }}
            {{- range $section, $_ := $passwords }}
            - {name: {{ $section }}, mountPath: /etc/seedcast/{{ $section }}, readOnly: true}
            {{- end }}
            {{- with $worker.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - {name: tmp, emptyDir: {}}
        {{- range $file := list "profiles" "lexicon" }}
        {{- if get $root.Values $file }}
        - {name: {{ $file }}, configMap: {name: {{ include "seedcast.name" $root }}-{{ $file }}}}
        {{- end }}
        {{- end }}
        {{- with $root.Values.tlsSecret }}
        - {name: tls, secret: {secretName: {{ . | quote }}}}
        {{- end }}
        {{- range $section, $secret := $passwords }}
        - {name: {{ $section }}, secret: {secretName: {{ $secret | quote }}}}
        {{- end }}
        {{- with $worker.extraVolumes }}
        {{- toYaml . | nindent 8 }}
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
      {{- with $worker.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}
