{{- define "cloister.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 45 characters, so that every suffix of this chart fits into 63. */}}
{{- define "cloister.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "cloister.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "cloister.serviceAccount" -}}
{{ include "cloister.fullname" . }}-operator
{{- end -}}

{{/* The operator as the API server knows it. */}}
{{- define "cloister.operatorUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "cloister.serviceAccount" . }}
{{- end -}}

{{/* The Service that agents report to, and the Secret with its key pair. */}}
{{- define "cloister.reportsName" -}}
{{ include "cloister.fullname" . }}-reports
{{- end -}}

{{- define "cloister.reportsSecret" -}}
{{- .Values.reports.existingSecret | default (printf "%s-tls" (include "cloister.reportsName" .)) -}}
{{- end -}}

{{- define "cloister.selector" -}}
app.kubernetes.io/name: {{ include "cloister.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "cloister.labels" -}}
{{ include "cloister.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: cloister
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* (dict "image" .Values.image "name" "image" "root" $) -> the reference; the digest wins. */}}
{{- define "cloister.image" -}}
{{- $repository := required (printf "%s.repository is empty: set it to the repository that you pushed the image to (make images), and %s.digest to its digest" .name .name) .image.repository -}}
{{- if .image.digest -}}
{{ $repository }}@{{ .image.digest }}
{{- else -}}
{{ $repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Match conditions that let the exempt users and groups pass. Nothing when there are none. */}}
{{- define "cloister.exemptions" -}}
{{- with .Values.policy.exemptUsers }}
- name: not-an-exempt-user
  expression: {{ printf "!(request.userInfo.username in %s)" (toJson .) | quote }}
{{- end }}
{{- with .Values.policy.exemptGroups }}
- name: not-of-an-exempt-group
  expression: {{ printf "!has(request.userInfo.groups) || !request.userInfo.groups.exists(g, g in %s)" (toJson .) | quote }}
{{- end }}
{{- end -}}

{{/* (dict "name" POLICY "root" $) -> its binding to the confidential namespaces: a CONNECT object has no labels of its own. */}}
{{- define "cloister.bindingSpec" -}}
policyName: {{ .name }}
validationActions: [Deny, Audit]
matchResources:
  namespaceSelector:
    matchLabels:
      cloister.dev/confidential: "true"
      {{- /* Another release may look after other confidential namespaces. */}}
      {{- with .root.Values.watchNamespace }}
      kubernetes.io/metadata.name: {{ . }}
      {{- end }}
{{- end -}}

{{/* (dict "value" CEL "allowed" LIST) -> CEL: the value is an entry of the list or lies below one. The API server limits
     what an expression may cost, so the loop does nothing but compare. */}}
{{- define "cloister.isWithin" -}}
{{- $entries := list -}}
{{- range .allowed }}{{ $entries = append $entries (printf "%s/" (trimSuffix "/" .)) }}{{ end -}}
{{ printf "[%s + '/'].exists(v, %s.exists(a, v.startsWith(a)))" .value (toJson $entries) }}
{{- end -}}

{{/* A list as words of a message: all of it, or the first entries of a long one. */}}
{{- define "cloister.listed" -}}
{{- if le (len .) 10 -}}
{{ join ", " . }}
{{- else -}}
{{ slice . 0 10 | join ", " }} and {{ sub (len .) 10 }} more
{{- end -}}
{{- end -}}

{{/* What the operator reads from --notifications-file. */}}
{{- define "cloister.notifications" -}}
{{- $targets := dict -}}
{{- range $name, $target := .Values.notifications.targets -}}
{{- if $target.webhook -}}
{{- $webhook := omit $target.webhook "authorizationSecret" -}}
{{- if $target.webhook.authorizationSecret -}}
{{- $webhook = set $webhook "authorizationFile" (printf "/etc/cloister/notifications/authorization/%s" $name) -}}
{{- end -}}
{{- $_ := set $targets $name (dict "webhook" $webhook) -}}
{{- else -}}
{{- $_ := set $targets $name $target -}}
{{- end -}}
{{- end -}}
{{- dict "source" .Values.notifications.source "clusterRanges" .Values.notifications.clusterRanges "targets" $targets | toJson -}}
{{- end -}}
