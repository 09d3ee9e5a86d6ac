{{ resources_of_kind('curriculum/subject') }}
