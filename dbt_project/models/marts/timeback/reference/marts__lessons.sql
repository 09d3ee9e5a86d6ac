{{ resources_of_kind('curriculum/lesson') }}
