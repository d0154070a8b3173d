{{- define "talos-discovery.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "talos-discovery.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "talos-discovery.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "talos-discovery.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "talos-discovery.selectorLabels" -}}
app.kubernetes.io/name: {{ include "talos-discovery.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "talos-discovery.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "talos-discovery.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "talos-discovery.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "talos-discovery.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The file for `serve --config`: what the chart decides goes before what the values say. */}}
{{- define "talos-discovery.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $_ := set $config "addr" ":3000" }}
{{- $_ := set $config "landing-addr" ":3001" }}
{{- $_ := set $config "metrics-addr" ":2122" }}
{{- if .Values.tls.secretName }}
{{- $_ := set $config "certificate-path" "/etc/talos-discovery/tls/tls.crt" }}
{{- $_ := set $config "key-path" "/etc/talos-discovery/tls/tls.key" }}
{{- if .Values.tls.clientCaSecretName }}
{{- $_ := set $config "client-ca-path" "/etc/talos-discovery/client-ca/ca.crt" }}
{{- end }}
{{- else if .Values.tls.clientCaSecretName }}
{{- fail "tls.clientCaSecretName needs tls.secretName" }}
{{- end }}
{{- if .Values.allowList.enabled }}
{{- $_ := set $config "cluster-allow-list" "/etc/talos-discovery/allow-list/clusters" }}
{{- end }}
{{- $_ := set $config "snapshots-enabled" .Values.persistence.enabled }}
{{- $_ := set $config "snapshot-path" "/var/discovery-service/state.binpb" }}
{{- toYaml $config }}
{{- end }}
